package headrace.sink;

import java.io.IOException;
import java.io.Serializable;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.file.sink.FileSinkCommittable;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.table.data.RowData;

/**
 * The serializer of {@link FileSink}, made when it is first used.
 *
 * <p>FileSink opens the target's file system to make it, so asking on the client would need the S3
 * plugin and its credentials there, where only the job is planned.
 */
final class LazyFileSerializer implements SimpleVersionedSerializer<FileSinkCommittable>, Serializable {

    private final FileSink<RowData> sink;
    private transient SimpleVersionedSerializer<FileSinkCommittable> made;

    LazyFileSerializer(FileSink<RowData> sink) {
        this.sink = sink;
    }

    private SimpleVersionedSerializer<FileSinkCommittable> made() {
        if (made == null) {
            made = sink.getCommittableSerializer();
        }
        return made;
    }

    @Override
    public int getVersion() {
        return made().getVersion();
    }

    @Override
    public byte[] serialize(FileSinkCommittable file) throws IOException {
        return made().serialize(file);
    }

    @Override
    public FileSinkCommittable deserialize(int version, byte[] bytes) throws IOException {
        return made().deserialize(version, bytes);
    }
}
