package headrace.format;

import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.DecimalType;
import org.apache.flink.table.types.logical.LocalZonedTimestampType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.VarCharType;

/** Turns the JSON value at the scanner's cursor into Flink's internal value of one column. */
interface ValueReader {

    /** How the types with a reader are written in DDL, for error messages. */
    String SUPPORTED_TYPES =
            "STRING, VARCHAR(n), INT, BIGINT, DECIMAL(p, s), DOUBLE, BOOLEAN, DATE and "
                    + "TIMESTAMP_LTZ(p) with p up to "
                    + TimestampReader.MAX_PRECISION;

    /**
     * Consumes a value that is not {@code null}.
     *
     * @return the value, or null if the scanner now has a reason
     */
    Object read(JsonScanner in);

    /** The reader for a type, or null if there is none. */
    static ValueReader of(LogicalType type) {
        return switch (type.getTypeRoot()) {
            case VARCHAR -> new TextReader(((VarCharType) type).getLength());
            case INTEGER -> new IntReader();
            case BIGINT -> new BigintReader();
            case DECIMAL -> {
                DecimalType decimal = (DecimalType) type;
                yield new DecimalReader(decimal.getPrecision(), decimal.getScale());
            }
            case DOUBLE -> new DoubleReader();
            case BOOLEAN -> new BooleanReader();
            case DATE -> new DateReader();
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE -> {
                int precision = ((LocalZonedTimestampType) type).getPrecision();
                boolean supported = precision <= TimestampReader.MAX_PRECISION;
                yield supported ? new TimestampReader(precision) : null;
            }
            default -> null;
        };
    }

    /** What a column of a type holds that must not be NULL and has no value. */
    static Object emptyOf(LogicalType type) {
        return switch (type.getTypeRoot()) {
            case VARCHAR -> StringData.fromString("");
            case INTEGER, DATE -> 0;
            case BIGINT -> 0L;
            case DECIMAL -> {
                DecimalType decimal = (DecimalType) type;
                yield DecimalData.zero(decimal.getPrecision(), decimal.getScale());
            }
            case DOUBLE -> 0.0;
            case BOOLEAN -> false;
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE -> TimestampData.fromEpochMillis(0);
            default -> throw new IllegalArgumentException(type.asSummaryString());
        };
    }
}
