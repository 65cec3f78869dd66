package headrace.sink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.connector.file.sink.FileSinkCommittable;
import org.apache.flink.streaming.api.functions.sink.filesystem.InProgressFileWriter.PendingFileRecoverable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of a manifest are committed side by side, and the manifest only once all of them are. */
class ManifestCommitterTest {

    private static final int FILES = 8;

    @TempDir private Path folder;

    @Test
    void filesAreCommittedSideBySide() throws Exception {
        CountDownLatch underWay = new CountDownLatch(FILES);
        Commit untilAllAreUnderWay =
                file -> {
                    underWay.countDown();
                    await(underWay); // one by one, the first would wait in vain
                };
        commitWith(untilAllAreUnderWay);
        assertTrue(Files.exists(written()));
    }

    @Test
    void aManifestIsNotWrittenWhileAFileIsNotCommitted() {
        Commit refused =
                file -> {
                    throw new IOException("the store says no");
                };
        IOException thrown = assertThrows(IOException.class, () -> commitWith(refused));
        assertTrue(thrown.getMessage().contains(manifest().id()));
        assertFalse(Files.exists(written()));
    }

    @Test
    void whatIsCommittedAgainIsTheSame() throws Exception {
        commitWith(file -> {});
        String first = Files.readString(written());
        commitWith(file -> {});
        assertEquals(first, Files.readString(written()));
    }

    private OutputIdentity identity() {
        return new OutputIdentity("file:" + folder + "/t", "t", "job", "s1", 1, "1.0.0", 0);
    }

    private Manifest manifest() {
        List<FileSinkCommittable> files =
                IntStream.range(0, FILES)
                        .mapToObj(n -> new FileSinkCommittable("d=1", new Pending(identity(), n)))
                        .toList();
        return Manifest.seal(identity(), null, 1, files);
    }

    private Path written() {
        return folder.resolve("t/_staged/manifests/" + manifest().id() + ".json");
    }

    private void commitWith(Commit commit) throws Exception {
        ManifestCommitter committer = new ManifestCommitter(new EachBy(commit), identity());
        try {
            committer.commit(List.of(new Request(manifest())));
        } finally {
            committer.close();
        }
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            if (!latch.await(10, TimeUnit.SECONDS)) {
                throw new IOException(latch.getCount() + " files wait for others to be committed");
            }
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private interface Commit {
        void of(FileSinkCommittable file) throws IOException;
    }

    private record EachBy(Commit commit) implements Committer<FileSinkCommittable> {

        @Override
        public void commit(Collection<CommitRequest<FileSinkCommittable>> requests)
                throws IOException {
            for (CommitRequest<FileSinkCommittable> request : requests) {
                commit.of(request.getCommittable());
            }
        }

        @Override
        public void close() {}
    }

    private record Pending(OutputIdentity identity, int number) implements PendingFileRecoverable {

        @Override
        public org.apache.flink.core.fs.Path getPath() {
            return new org.apache.flink.core.fs.Path(identity.stagedFolder() + "/part-" + number);
        }

        @Override
        public long getSize() {
            return number;
        }
    }

    private record Request(Manifest manifest) implements Committer.CommitRequest<Manifest> {

        @Override
        public Manifest getCommittable() {
            return manifest;
        }

        @Override
        public int getNumberOfRetries() {
            return 0;
        }

        @Override
        public void signalFailedWithKnownReason(Throwable reason) {}

        @Override
        public void signalFailedWithUnknownReason(Throwable reason) {}

        @Override
        public void retryLater() {}

        @Override
        public void updateAndRetryLater(Manifest changed) {}

        @Override
        public void signalAlreadyCommitted() {}
    }
}
