package headrace.sink;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.connector.file.sink.FileSinkCommittable;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;
import org.apache.flink.util.concurrent.ExecutorThreadFactory;

/**
 * Commits a manifest's files side by side, then writes the manifest if it is not there yet.
 *
 * <p>The order matters: a manifest that can be read names only files that can be read. A crash in
 * between repeats both steps, and both are safe to repeat.
 */
final class ManifestCommitter implements Committer<Manifest> {

    /** Completing an upload is a wait for the store, not work; a catch-up checkpoint has hundreds. */
    private static final int UPLOADS_SIDE_BY_SIDE = 16;

    private final Committer<FileSinkCommittable> files;
    private final OutputIdentity identity;
    private final ExecutorService threads;

    ManifestCommitter(Committer<FileSinkCommittable> files, OutputIdentity identity) {
        this.files = files;
        this.identity = identity;
        this.threads =
                Executors.newFixedThreadPool(
                        UPLOADS_SIDE_BY_SIDE, new ExecutorThreadFactory("commit-" + identity.output()));
    }

    @Override
    public void commit(Collection<CommitRequest<Manifest>> requests)
            throws IOException, InterruptedException {
        for (CommitRequest<Manifest> request : requests) {
            commitFiles(request.getCommittable());
            write(request.getCommittable());
        }
    }

    private void commitFiles(Manifest manifest) throws IOException, InterruptedException {
        List<Callable<Void>> steps = new ArrayList<>();
        for (FileSinkCommittable file : manifest.files()) {
            steps.add(
                    () -> {
                        files.commit(List.of(new FileRequest(file)));
                        return null;
                    });
        }
        for (Future<Void> step : threads.invokeAll(steps)) {
            try {
                step.get();
            } catch (ExecutionException e) {
                throw new IOException(
                        "output %s: a file of manifest %s could not be committed"
                                .formatted(identity.output(), manifest.id()),
                        e.getCause());
            }
        }
    }

    private void write(Manifest manifest) throws IOException {
        Path path = new Path(identity.manifestPath(manifest));
        FileSystem store = path.getFileSystem();
        if (store.exists(path)) {
            return;
        }
        // Two writers of one id write the same bytes, so the gap between the look and the put is harmless.
        try (FSDataOutputStream out = store.create(path, FileSystem.WriteMode.OVERWRITE)) {
            out.write(manifest.toJson(identity));
        }
    }

    @Override
    @SuppressWarnings("try") // Flink's own Committer.close() is declared to throw everything
    public void close() throws Exception {
        threads.shutdownNow();
        files.close();
    }

    /** One file's request; whatever FileSink would retry or drop fails the manifest as a whole. */
    private record FileRequest(FileSinkCommittable file) implements CommitRequest<FileSinkCommittable> {

        @Override
        public FileSinkCommittable getCommittable() {
            return file;
        }

        @Override
        public int getNumberOfRetries() {
            return 0;
        }

        @Override
        public void signalFailedWithKnownReason(Throwable reason) {
            throw new IllegalStateException("Flink gave up a staged file", reason);
        }

        @Override
        public void signalFailedWithUnknownReason(Throwable reason) {
            throw new IllegalStateException("Flink gave up a staged file", reason);
        }

        @Override
        public void retryLater() {
            throw new IllegalStateException("a staged file is not ready to be committed");
        }

        @Override
        public void updateAndRetryLater(FileSinkCommittable changed) {
            throw new IllegalStateException("a staged file is not ready to be committed");
        }

        @Override
        public void signalAlreadyCommitted() {
            // A repeat after recovery: the file is there, which is all that is asked.
        }
    }
}
