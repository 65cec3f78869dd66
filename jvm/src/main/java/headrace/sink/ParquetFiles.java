package headrace.sink;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.apache.flink.formats.parquet.ParquetBuilder;
import org.apache.flink.formats.parquet.row.ParquetRowDataBuilder;
import org.apache.flink.formats.parquet.utils.SerializableConfiguration;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.column.ParquetProperties.WriterVersion;
import org.apache.parquet.hadoop.ParquetOutputFormat;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.OutputFile;

/**
 * Opens the Parquet file of a bucket: Flink's own row writer, with one thing that its table options
 * cannot say.
 *
 * <p>Columns whose values do not repeat (offsets, keys) get no dictionary. Parquet would look each
 * value up in a hash map and write a dictionary as long as the column; without it, offsets are
 * written as differences.
 */
final class ParquetFiles implements ParquetBuilder<RowData> {

    private static final String PREFIX = "parquet.";

    private final RowType row;
    private final List<String> distinct;
    private final SerializableConfiguration options;

    /**
     * @param options the table's options; those that begin with {@code parquet.} are Parquet's own
     * @param distinct columns whose values do not repeat
     */
    ParquetFiles(RowType row, Map<String, String> options, List<String> distinct) {
        Configuration told = new Configuration(false);
        options.forEach((key, value) -> {
            if (key.startsWith(PREFIX)) {
                told.set(key, value);
            }
        });
        this.row = row;
        this.distinct = List.copyOf(distinct);
        this.options = new SerializableConfiguration(told);
    }

    @Override
    public ParquetWriter<RowData> createWriter(OutputFile file) throws IOException {
        Configuration told = options.conf();
        ParquetRowDataBuilder builder =
                new ParquetRowDataBuilder(file, row, told.getBoolean(PREFIX + "utc-timezone", true))
                        .withConf(told)
                        .withCompressionCodec(
                                CompressionCodecName.fromConf(told.get(ParquetOutputFormat.COMPRESSION)))
                        .withWriterVersion(
                                WriterVersion.fromString(told.get(ParquetOutputFormat.WRITER_VERSION, "v2")));
        for (String column : distinct) {
            builder = builder.withDictionaryEncoding(column, false);
        }
        return builder.build();
    }
}
