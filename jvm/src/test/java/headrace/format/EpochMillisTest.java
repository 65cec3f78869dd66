package headrace.format;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;

/** From milliseconds to an instant and back, through SQL: nothing is cut, and nothing wraps around. */
class EpochMillisTest {

    @Test
    void everyKafkaTimestampComesBack() throws Exception {
        TableEnvironment tables = TableEnvironment.create(EnvironmentSettings.inBatchMode());
        tables.createTemporarySystemFunction("epoch_millis", EpochMillis.class);
        tables.createTemporarySystemFunction("instant_of_millis", InstantOfMillis.class);
        String sql =
                "SELECT epoch_millis(instant_of_millis(m)) FROM (VALUES"
                        + " (CAST(-9223372036854775807 AS BIGINT) - 1), (CAST(-1 AS BIGINT)),"
                        + " (CAST(0 AS BIGINT)), (253402300800000), (9223372036854776),"
                        + " (9223372036854775807), (CAST(NULL AS BIGINT))) AS v (m)";
        List<Object> found = new ArrayList<>();
        try (CloseableIterator<Row> rows = tables.executeSql(sql).collect()) {
            rows.forEachRemaining(row -> found.add(row.getField(0)));
        }
        List<Object> expected = new ArrayList<>();
        expected.addAll(List.of(Long.MIN_VALUE, -1L, 0L, 253402300800000L, 9223372036854776L, Long.MAX_VALUE));
        expected.add(null);
        assertEquals(expected, found);
    }
}
