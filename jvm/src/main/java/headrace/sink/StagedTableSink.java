package headrace.sink;

import java.util.List;
import java.util.Map;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.core.fs.Path;
import org.apache.flink.formats.parquet.ParquetWriterFactory;
import org.apache.flink.streaming.api.functions.sink.filesystem.OutputFileConfig;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.SinkV2Provider;
import org.apache.flink.table.connector.sink.abilities.SupportsPartitioning;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.types.RowKind;

/** One output as a table: rows in, Parquet under {@code _staged}, partitioned as Hive does it. */
final class StagedTableSink implements DynamicTableSink, SupportsPartitioning {

    private final DataType row;
    private final Map<String, String> options;
    private final List<String> distinct;
    private final List<String> partitionKeys;
    private final boolean amends;
    private final boolean versions;
    private final OutputIdentity identity;

    StagedTableSink(
            DataType row,
            Map<String, String> options,
            List<String> distinct,
            List<String> partitionKeys,
            boolean amends,
            boolean versions,
            OutputIdentity identity) {
        this.row = row;
        this.options = options;
        this.distinct = distinct;
        this.partitionKeys = partitionKeys;
        this.amends = amends;
        this.versions = versions;
        this.identity = identity;
    }

    @Override
    public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
        FileSink<RowData> files =
                FileSink.forBulkFormat(
                                new Path(identity.stagedFolder()),
                                new ParquetWriterFactory<>(
                                        new ParquetFiles(fileRow(), options, distinct)))
                        .withBucketAssigner(PartitionFolders.of(identity.output(), row, partitionKeys))
                        .withOutputFileConfig(
                                OutputFileConfig.builder()
                                        .withPartPrefix("part")
                                        .withPartSuffix(".parquet")
                                        .build())
                        .build();
        return SinkV2Provider.of(new StagedSink(files, identity));
    }

    /**
     * The columns inside a file: all except the partition columns, which are in its folder's name.
     *
     * <p>These come last, so that the writer uses a row as it is and never looks at them: Flink's own
     * projection copies and boxes every field of every row.
     */
    private RowType fileRow() {
        List<DataTypes.Field> fields = DataType.getFields(row);
        int inFile = fields.size() - partitionKeys.size();
        List<String> last = fields.stream().skip(inFile).map(DataTypes.Field::getName).toList();
        if (!last.equals(partitionKeys)) {
            throw new ValidationException(
                    "output %s: its last columns have to be its partition columns %s, in this order"
                            .formatted(identity.output(), partitionKeys));
        }
        return (RowType) DataTypes.ROW(fields.subList(0, inFile)).notNull().getLogicalType();
    }

    /**
     * With a primary key, a row that comes later amends an earlier one: both are written, and publish
     * lets the later one win. Rows that are taken back are not: the planner refuses such a query. Where
     * they are versions, each is kept.
     */
    @Override
    public ChangelogMode getChangelogMode(ChangelogMode requested) {
        if (versions) {
            return requested;
        }
        return amends
                ? ChangelogMode.newBuilder()
                        .addContainedKind(RowKind.INSERT)
                        .addContainedKind(RowKind.UPDATE_AFTER)
                        .build()
                : ChangelogMode.insertOnly();
    }

    @Override
    public void applyStaticPartition(Map<String, String> partition) {
        throw new ValidationException("output " + identity.output() + " takes no static partition");
    }

    @Override
    public DynamicTableSink copy() {
        return new StagedTableSink(row, options, distinct, partitionKeys, amends, versions, identity);
    }

    @Override
    public String asSummaryString() {
        return "staged " + identity.output();
    }
}
