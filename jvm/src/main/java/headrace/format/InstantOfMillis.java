package headrace.format;

import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * A TIMESTAMP_LTZ(3) from its milliseconds since 1970, whatever they are: the way back from {@link
 * EpochMillis}, and what the Kafka connector makes of a record's timestamp. Flink's own TO_TIMESTAMP_LTZ
 * gives NULL outside the years 0 to 9999.
 */
public final class InstantOfMillis extends ScalarFunction {

    private static final long serialVersionUID = 1L;

    @DataTypeHint(value = "TIMESTAMP_LTZ(3)", bridgedTo = TimestampData.class)
    public TimestampData eval(Long millis) {
        return millis == null ? null : TimestampData.fromEpochMillis(millis);
    }
}
