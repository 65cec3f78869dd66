package headrace.sink;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.annotation.Nullable;
import org.apache.flink.connector.file.sink.FileSinkCommittable;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.streaming.api.functions.sink.filesystem.InProgressFileWriter.PendingFileRecoverable;

/**
 * What one output received up to one barrier: a link of the chain.
 *
 * <p>Parent, content and id are fixed when the barrier passes, inside the checkpoint that they
 * describe. Whoever commits it later, and however often, writes the same bytes under the same name:
 * the claim travels with it. The claim is part of the id, because two submissions that both go on from
 * one manifest seal equal ones while no rows come, and each must be recognisable on its own branch.
 *
 * @param id checkpoint number and a hash of parent, checkpoint, claim and files; sorts by checkpoint
 * @param parent the id sealed before it, or null for the first manifest of an output
 * @param checkpoint the number of the checkpoint whose barrier sealed it, as the branch counts
 * @param claim the claim of the submission that sealed it
 * @param submission the submission that sealed it
 * @param contractVersion the contract version its rows were judged by
 * @param files everything the writers handed over, clean-up requests included
 */
record Manifest(
        String id,
        @Nullable String parent,
        long checkpoint,
        long claim,
        String submission,
        String contractVersion,
        List<FileSinkCommittable> files) {

    private static final int FORMAT = 1;
    private static final int HASH_BYTES = 8;
    private static final ObjectMapper JSON = new ObjectMapper();

    static Manifest seal(
            OutputIdentity identity,
            @Nullable String parent,
            long checkpoint,
            List<FileSinkCommittable> files) {
        String id = "%010d-%s".formatted(checkpoint, hash(identity, parent, checkpoint, files));
        return new Manifest(
                id,
                parent,
                checkpoint,
                identity.claim(),
                identity.submission(),
                identity.contractVersion(),
                List.copyOf(files));
    }

    /** The checkpoint's number in an id. */
    static long number(String id) {
        return Long.parseLong(id.substring(0, id.indexOf('-')));
    }

    /** The files that become part of the table, in the order of their paths. */
    private static List<PendingFileRecoverable> pending(List<FileSinkCommittable> files) {
        return files.stream()
                .filter(FileSinkCommittable::hasPendingFile)
                .map(FileSinkCommittable::getPendingFile)
                .sorted(Comparator.comparing(file -> String.valueOf(file.getPath())))
                .toList();
    }

    private static String hash(
            OutputIdentity identity,
            @Nullable String parent,
            long checkpoint,
            List<FileSinkCommittable> files) {
        StringBuilder content = new StringBuilder();
        content.append(identity.output()).append('\n').append(parent).append('\n').append(checkpoint);
        content.append('\n').append(identity.claim()).append(' ').append(identity.submission());
        for (PendingFileRecoverable file : pending(files)) {
            content.append('\n').append(file.getPath()).append(' ').append(file.getSize());
        }
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256")
                            .digest(content.toString().getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, HASH_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }

    /** The manifest as publish reads it; field order is fixed, so equal manifests are equal bytes. */
    byte[] toJson(OutputIdentity identity) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("format", FORMAT);
        json.put("id", id);
        json.put("parent", parent);
        json.put("checkpoint", checkpoint);
        json.put("job", identity.job());
        json.put("output", identity.output());
        json.put("claim", claim);
        json.put("submission", submission);
        json.put("contract_version", contractVersion);
        json.put(
                "files",
                pending(files).stream()
                        .map(file -> fileJson(identity, file))
                        .toList());
        try {
            return JSON.writeValueAsBytes(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("strings and numbers are always JSON", e);
        }
    }

    private static Map<String, Object> fileJson(OutputIdentity identity, PendingFileRecoverable file) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("path", identity.relative(String.valueOf(file.getPath())));
        json.put("size", file.getSize());
        return json;
    }
}
