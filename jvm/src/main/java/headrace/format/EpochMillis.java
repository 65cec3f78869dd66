package headrace.format;

import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * The milliseconds since 1970 of a TIMESTAMP_LTZ(3), whatever they are.
 *
 * <p>A Kafka timestamp is any 64-bit number. Flink's rows carry it exactly, but no function of its SQL
 * gives it back: they stop at the year 9999 or wrap around.
 */
public final class EpochMillis extends ScalarFunction {

    private static final long serialVersionUID = 1L;

    public Long eval(
            @DataTypeHint(value = "TIMESTAMP_LTZ(3)", bridgedTo = TimestampData.class)
                    TimestampData instant) {
        return instant == null ? null : instant.getMillisecond();
    }
}
