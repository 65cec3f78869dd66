package headrace.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;

/** The decoder as a table function, through SQL: it judges a payload as the format does. */
class StrictJsonRowsTest {

    private static TableEnvironment tables() {
        TableEnvironment tables = TableEnvironment.create(EnvironmentSettings.inStreamingMode());
        tables.createTemporarySystemFunction("strict_json_rows", StrictJsonRows.class);
        return tables;
    }

    private static List<Row> rows(String type, String unknown, byte[]... payloads) throws Exception {
        List<String> values = new ArrayList<>();
        for (int i = 0; i < payloads.length; i++) {
            String bytes = payloads[i] == null ? "CAST(NULL AS BYTES)" : "x'" + HexFormat.of().formatHex(payloads[i]) + "'";
            values.add("(" + i + ", " + bytes + ")");
        }
        String sql =
                "SELECT i.n, d.* FROM (VALUES "
                        + String.join(", ", values)
                        + ") AS i (n, payload), LATERAL TABLE(strict_json_rows(i.payload, '"
                        + type
                        + "', '"
                        + unknown
                        + "')) AS d ORDER BY n";
        List<Row> found = new ArrayList<>();
        TableEnvironment tables = TableEnvironment.create(EnvironmentSettings.inBatchMode());
        tables.createTemporarySystemFunction("strict_json_rows", StrictJsonRows.class);
        try (CloseableIterator<Row> result = tables.executeSql(sql).collect()) {
            result.forEachRemaining(found::add);
        }
        return found;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void eachPayloadGivesOneRowOrAReason() throws Exception {
        assertEquals(
                List.of(
                        Row.of(0, 1, "x", null, null),
                        Row.of(1, null, null, "not_an_integer", "a"),
                        Row.of(2, null, null, "malformed_json", "a"),
                        Row.of(3, null, null, "null_payload", null),
                        Row.of(4, null, null, "empty_payload", null)),
                rows(
                        "ROW<a INT, b STRING>",
                        "ignore",
                        bytes("{\"a\":1,\"b\":\"x\",\"c\":0}"),
                        bytes("{\"a\":1.5,\"b\":\"x\"}"),
                        bytes("{\"a\":"),
                        null,
                        new byte[0]));
    }

    @Test
    void unknownFieldsAreTheCallers() throws Exception {
        assertEquals(
                List.of(Row.of(0, null, "unknown_field", null)),
                rows("ROW<a INT>", "reject", bytes("{\"a\":1,\"c\":2}")));
    }

    @Test
    void aTypeThatCannotBeDecodedIsRefusedAtPlanning() {
        for (String type : List.of("ROW<odd ARRAY<INT>>", "INT")) {
            Exception refused =
                    assertThrows(ValidationException.class, () -> rows(type, "ignore", bytes("{}")));
            assertTrue(refused.getMessage() != null);
        }
        assertThrows(
                ValidationException.class,
                () ->
                        tables().executeSql(
                                "SELECT * FROM (VALUES (x'00', 'ROW<a INT>')) AS i (p, t),"
                                        + " LATERAL TABLE(strict_json_rows(p, t, 'ignore'))"));
    }
}
