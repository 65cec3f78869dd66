package headrace.sink;

import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.streaming.api.functions.sink.filesystem.BucketAssigner;
import org.apache.flink.streaming.api.functions.sink.filesystem.bucketassigners.SimpleVersionedStringSerializer;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;

/**
 * The folder of a row, as Hive writes it: {@code scheduled_departure_day=2013-01-01}.
 *
 * <p>Flink's own assigner prints a DATE as the number of its day ({@code =20780}) and builds a map
 * and a path for every row. Partition columns are derived dates and never null (the contract sees to
 * that), so the folder of a day is made once.
 */
final class PartitionFolders implements BucketAssigner<RowData, String> {

    private final String[] names;
    private final int[] positions;

    private transient Map<List<Integer>, String> folders;
    private transient int[] lastDays;
    private transient String lastFolder;

    private PartitionFolders(String[] names, int[] positions) {
        this.names = names;
        this.positions = positions;
    }

    static PartitionFolders of(String output, DataType row, List<String> keys) {
        List<String> fields = DataType.getFieldNames(row);
        List<DataType> types = DataType.getFieldDataTypes(row);
        int[] positions = keys.stream().mapToInt(fields::indexOf).toArray();
        for (int position : positions) {
            if (types.get(position).getLogicalType().getTypeRoot() != LogicalTypeRoot.DATE) {
                throw new ValidationException(
                        "output %s: partition column %s is %s; derive a DATE from it"
                                .formatted(output, fields.get(position), types.get(position)));
            }
        }
        return new PartitionFolders(keys.toArray(String[]::new), positions);
    }

    @Override
    public String getBucketId(RowData row, Context context) {
        if (lastDays == null) {
            folders = new HashMap<>();
            lastDays = new int[positions.length];
        }
        boolean same = lastFolder != null;
        for (int i = 0; i < positions.length; i++) {
            if (row.isNullAt(positions[i])) {
                throw new IllegalStateException("partition column " + names[i] + " is null: a defect");
            }
            int day = row.getInt(positions[i]);
            same &= lastDays[i] == day;
            lastDays[i] = day;
        }
        if (!same) {
            lastFolder = folders.computeIfAbsent(days(), this::folder);
        }
        return lastFolder;
    }

    private List<Integer> days() {
        List<Integer> days = new ArrayList<>(lastDays.length);
        for (int day : lastDays) {
            days.add(day);
        }
        return days;
    }

    private String folder(List<Integer> days) {
        StringBuilder folder = new StringBuilder();
        for (int i = 0; i < names.length; i++) {
            folder.append(i == 0 ? "" : "/").append(names[i]).append('=');
            folder.append(LocalDate.ofEpochDay(days.get(i)));
        }
        return folder.toString();
    }

    @Override
    public SimpleVersionedSerializer<String> getSerializer() {
        return SimpleVersionedStringSerializer.INSTANCE;
    }
}
