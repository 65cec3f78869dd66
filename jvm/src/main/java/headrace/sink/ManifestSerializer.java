package headrace.sink;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.connector.file.sink.FileSinkCommittable;
import org.apache.flink.core.io.SimpleVersionedSerialization;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/** A sealed manifest in the committer's state; a change here needs a new version number. */
final class ManifestSerializer implements SimpleVersionedSerializer<Manifest>, Serializable {

    private static final int VERSION = 1;

    private final SimpleVersionedSerializer<FileSinkCommittable> files;

    ManifestSerializer(LazyFileSerializer files) {
        this.files = files;
    }

    @Override
    public int getVersion() {
        return VERSION;
    }

    @Override
    public byte[] serialize(Manifest manifest) throws IOException {
        DataOutputSerializer out = new DataOutputSerializer(256);
        out.writeUTF(manifest.id());
        out.writeBoolean(manifest.parent() != null);
        if (manifest.parent() != null) {
            out.writeUTF(manifest.parent());
        }
        out.writeLong(manifest.checkpoint());
        out.writeLong(manifest.claim());
        out.writeUTF(manifest.submission());
        out.writeUTF(manifest.contractVersion());
        out.writeInt(manifest.files().size());
        for (FileSinkCommittable file : manifest.files()) {
            SimpleVersionedSerialization.writeVersionAndSerialize(files, file, out);
        }
        return out.getCopyOfBuffer();
    }

    @Override
    public Manifest deserialize(int version, byte[] bytes) throws IOException {
        if (version != VERSION) {
            throw new IOException("a manifest of version " + version + " is newer than this program");
        }
        DataInputDeserializer in = new DataInputDeserializer(bytes);
        String id = in.readUTF();
        String parent = in.readBoolean() ? in.readUTF() : null;
        long checkpoint = in.readLong();
        long claim = in.readLong();
        String submission = in.readUTF();
        String contractVersion = in.readUTF();
        int count = in.readInt();
        List<FileSinkCommittable> list = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            list.add(SimpleVersionedSerialization.readVersionAndDeSerialize(files, in));
        }
        return new Manifest(id, parent, checkpoint, claim, submission, contractVersion, list);
    }
}
