package headrace.sink;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.serialization.BulkWriter;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.file.table.FileSystemTableSink;
import org.apache.flink.connector.file.table.RowDataPartitionComputer;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.functions.sink.filesystem.OutputFileConfig;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.format.EncodingFormat;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.SinkV2Provider;
import org.apache.flink.table.connector.sink.abilities.SupportsPartitioning;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.DataType;

/** One output as a table: rows in, Parquet under {@code _staged}, partitioned as Hive does it. */
final class StagedTableSink implements DynamicTableSink, SupportsPartitioning {

    /** Never written: partition columns are derived and not null, so a row that needs it is a defect. */
    private static final String NO_PARTITION = "__null__";

    private final EncodingFormat<BulkWriter.Factory<RowData>> format;
    private final DataType row;
    private final List<String> partitionKeys;
    private final OutputIdentity identity;

    StagedTableSink(
            EncodingFormat<BulkWriter.Factory<RowData>> format,
            DataType row,
            List<String> partitionKeys,
            OutputIdentity identity) {
        this.format = format;
        this.row = row;
        this.partitionKeys = partitionKeys;
        this.identity = identity;
    }

    @Override
    public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
        RowDataPartitionComputer partitions =
                new RowDataPartitionComputer(
                        NO_PARTITION,
                        DataType.getFieldNames(row).toArray(String[]::new),
                        DataType.getFieldDataTypes(row).toArray(DataType[]::new),
                        partitionKeys.toArray(String[]::new));
        BulkWriter.Factory<RowData> writer = format.createRuntimeEncoder(context, fileRow());
        FileSink<RowData> files =
                FileSink.forBulkFormat(
                                new Path(identity.stagedFolder()),
                                new FileSystemTableSink.ProjectionBulkFactory(writer, partitions))
                        .withBucketAssigner(PartitionFolders.of(identity.output(), row, partitionKeys))
                        .withOutputFileConfig(
                                OutputFileConfig.builder()
                                        .withPartPrefix("part")
                                        .withPartSuffix(".parquet")
                                        .build())
                        .build();
        return SinkV2Provider.of(new StagedSink(files, identity));
    }

    /** The columns inside a file: all but the partition columns, which stand in its folder's name. */
    private DataType fileRow() {
        List<DataTypes.Field> inFile = new ArrayList<>();
        for (DataTypes.Field field : DataType.getFields(row)) {
            if (!partitionKeys.contains(field.getName())) {
                inFile.add(field);
            }
        }
        return DataTypes.ROW(inFile).notNull().bridgedTo(RowData.class);
    }

    @Override
    public ChangelogMode getChangelogMode(ChangelogMode requested) {
        return ChangelogMode.insertOnly();
    }

    @Override
    public void applyStaticPartition(Map<String, String> partition) {
        throw new ValidationException("output " + identity.output() + " takes no static partition");
    }

    @Override
    public DynamicTableSink copy() {
        return new StagedTableSink(format, row, partitionKeys, identity);
    }

    @Override
    public String asSummaryString() {
        return "staged " + identity.output();
    }
}
