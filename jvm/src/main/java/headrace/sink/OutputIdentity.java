package headrace.sink;

import java.io.Serializable;

/**
 * Who writes, and where: fixed for one submission of one output.
 *
 * @param path the table's address, {@code s3://lake/flights}
 * @param output the output's id, which is also the seal operator's uid: {@code flights}
 * @param job the job whose ledger claims this submission
 * @param submission one start of the job's {@code main}; names the folder of its files
 * @param claim the number that {@code main} wrote into the ledger before it submitted; 0 for a job
 *     whose rows do not belong to the branch
 * @param contractVersion the version of the contract these rows were judged by
 * @param numberedFrom the number that the branch has reached where a submission continues at the
 *     frontier without state: Flink counts its checkpoints from 1 again, a branch never does
 */
record OutputIdentity(
        String path,
        String output,
        String job,
        String submission,
        long claim,
        String contractVersion,
        long numberedFrom)
        implements Serializable {

    private static final String STATE_MARK = "headrace-sealed";
    private static final String WATERMARK_MARK = "headrace-watermark";

    String stagedFolder() {
        return path + "/_staged/" + submission;
    }

    /**
     * The manifests of all claims lie together, so that publish finds the chain. A submission without a
     * claim is not part of it: its manifests stay beside its files.
     */
    String manifestPath(Manifest manifest) {
        String folder = claim == 0 ? stagedFolder() : path + "/_staged";
        return folder + "/manifests/" + manifest.id() + ".json";
    }

    /**
     * What the seal operator keeps: the newest manifest, and who sealed it.
     *
     * <p>One readable line, because Flink keeps small operator state inside a checkpoint's {@code
     * _metadata}: from there headrace reads which submission a savepoint belongs to, wherever it was
     * put and whoever took it.
     */
    String stateOf(String manifest) {
        return String.join("|", STATE_MARK, job, output, submission, manifest);
    }

    /** The manifest in what {@link #stateOf} wrote; a restored state names the former submission. */
    String manifestOf(String state) {
        String[] parts = state.split("\\|");
        if (parts.length != 5 || !parts[0].equals(STATE_MARK) || !parts[2].equals(output)) {
            throw new IllegalStateException(
                    "output " + output + " was handed the state of something else: " + state);
        }
        return parts[4];
    }

    /**
     * How far event time has advanced after all operators of this output, in milliseconds: read from a
     * checkpoint's {@code _metadata} as well. Whatever ends by then is in the output's files.
     */
    String watermarkState(long watermark) {
        return String.join("|", WATERMARK_MARK, job, output, Long.toString(watermark), "");
    }

    /** The path of a staged file as the table knows it: relative to the table's folder. */
    String relative(String file) {
        if (!file.startsWith(path + "/")) {
            throw new IllegalStateException("a staged file lies outside its table " + path + ": " + file);
        }
        return file.substring(path.length() + 1);
    }
}
