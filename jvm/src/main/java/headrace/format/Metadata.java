package headrace.format;

import java.util.Arrays;
import java.util.Locale;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.types.DataType;

/**
 * The metadata columns of the format. Under the Kafka connector their keys are {@code value.payload},
 * {@code value.reason} and {@code value.field}.
 */
enum Metadata {

    /** The record's value as it came: the very array, NULL for a record without one. */
    PAYLOAD(DataTypes.BYTES()),

    /** The code of the {@link Reason}; NULL exactly when the record was decoded. */
    REASON(DataTypes.STRING()),

    /** The column that the reason is about, or NULL. */
    FIELD(DataTypes.STRING());

    private final DataType type;

    Metadata(DataType type) {
        this.type = type;
    }

    String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    DataType type() {
        return type.nullable();
    }

    static Metadata of(String key) {
        return Arrays.stream(values())
                .filter(column -> column.key().equals(key))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no metadata of strict-json: " + key));
    }
}
