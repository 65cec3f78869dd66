package headrace.format;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.utils.LogicalTypeParser;

/** What became of one record, as text that a table of expectations can hold. */
record Outcome(List<String> values, String reason, String field) {

    static final String NULL = "NULL";

    /** Columns as DDL writes them: {@code "a INT, b DECIMAL(4,2)"}. */
    static RowType columns(String ddl) {
        return (RowType) LogicalTypeParser.parse("ROW<" + ddl + ">", Outcome.class.getClassLoader());
    }

    static Outcome of(String ddl, String json) {
        return of(ddl, json.getBytes(UTF_8));
    }

    static Outcome of(String ddl, byte[] payload) {
        return of(columns(ddl), new StrictJsonDecoder(columns(ddl), UnknownFields.IGNORE), payload);
    }

    static Outcome of(RowType columns, StrictJsonDecoder decoder, byte[] payload) {
        GenericRowData row = decoder.decode(payload, 0);
        List<String> values = new ArrayList<>();
        for (int i = 0; i < row.getArity(); i++) {
            values.add(text(columns.getTypeAt(i), row.getField(i)));
        }
        String reason = decoder.reason() == null ? null : decoder.reason().code();
        return new Outcome(values, reason, decoder.field());
    }

    /** The value of the only column v, or the reason, for a document that has the value in v. */
    static String ofValue(String type, String json) {
        return of("v " + type, "{\"v\":" + json + "}").valueOrReason();
    }

    String valueOrReason() {
        return reason != null ? reason : values.get(0);
    }

    boolean allNull() {
        return values.stream().allMatch(NULL::equals);
    }

    static byte[] hex(String spaced) {
        return HexFormat.of().parseHex(spaced.replace(" ", ""));
    }

    private static String text(LogicalType type, Object value) {
        if (value == null) {
            return NULL;
        }
        if (value instanceof DecimalData decimal) {
            return decimal.toBigDecimal().toPlainString();
        }
        if (value instanceof TimestampData timestamp) {
            return timestamp.toInstant().toString();
        }
        if (type.getTypeRoot() == LogicalTypeRoot.DATE) {
            return LocalDate.ofEpochDay((Integer) value).toString();
        }
        return value.toString();
    }
}
