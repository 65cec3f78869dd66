package headrace.sink;

import java.io.IOException;
import java.util.Collection;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.api.connector.sink2.CommitterInitContext;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.api.connector.sink2.SupportsCommitter;
import org.apache.flink.api.connector.sink2.SupportsWriterState;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.file.sink.FileSinkCommittable;
import org.apache.flink.connector.file.sink.writer.FileWriterBucketState;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.streaming.api.connector.sink2.CommittableMessage;
import org.apache.flink.streaming.api.connector.sink2.CommittableMessageTypeInfo;
import org.apache.flink.streaming.api.connector.sink2.SupportsPreCommitTopology;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.table.data.RowData;

/**
 * Flink's own FileSink with a seal between write and commit.
 *
 * <p>writers (any parallelism) → {@link SealOperator} (one) → {@link ManifestCommitter} (one does
 * the work). Writing, rolling and two-phase commit of files stay Flink's.
 */
final class StagedSink
        implements Sink<RowData>,
                SupportsWriterState<RowData, FileWriterBucketState>,
                SupportsCommitter<Manifest>,
                SupportsPreCommitTopology<FileSinkCommittable, Manifest> {

    private final FileSink<RowData> files;
    private final OutputIdentity identity;

    StagedSink(FileSink<RowData> files, OutputIdentity identity) {
        this.files = files;
        this.identity = identity;
    }

    @Override
    public SinkWriter<RowData> createWriter(WriterInitContext context) throws IOException {
        return files.createWriter(context);
    }

    @Override
    public StatefulSinkWriter<RowData, FileWriterBucketState> restoreWriter(
            WriterInitContext context, Collection<FileWriterBucketState> state) throws IOException {
        return files.restoreWriter(context, state);
    }

    @Override
    public SimpleVersionedSerializer<FileWriterBucketState> getWriterStateSerializer() {
        return files.getWriterStateSerializer();
    }

    @Override
    public DataStream<CommittableMessage<Manifest>> addPreCommitTopology(
            DataStream<CommittableMessage<FileSinkCommittable>> written) {
        LazyFileSerializer file = new LazyFileSerializer(files);
        return written.global()
                .transform(
                        "seal " + identity.output(),
                        CommittableMessageTypeInfo.of(() -> new ManifestSerializer(file)),
                        new SealOperator(identity))
                .uid("seal-" + identity.output())
                .setParallelism(1)
                .setMaxParallelism(1)
                .global();
    }

    @Override
    public Committer<Manifest> createCommitter(CommitterInitContext context) throws IOException {
        return new ManifestCommitter(files.createCommitter(context), identity);
    }

    @Override
    public SimpleVersionedSerializer<Manifest> getCommittableSerializer() {
        return new ManifestSerializer(new LazyFileSerializer(files));
    }

    @Override
    public SimpleVersionedSerializer<FileSinkCommittable> getWriteResultSerializer() {
        return new LazyFileSerializer(files);
    }
}
