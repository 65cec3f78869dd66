package headrace.sink;

import java.io.Serializable;

/**
 * Who writes, and where: fixed for one submission of one output.
 *
 * @param path the table's address, {@code s3://lake/flights}
 * @param output the output's id, which is also the seal operator's uid: {@code flights}
 * @param job the job whose ledger claims this submission
 * @param submission one start of the job's {@code main}; names the folder of its files
 * @param claim the number that {@code main} wrote into the ledger before it submitted
 * @param contractVersion the version of the contract these rows were judged by
 */
record OutputIdentity(
        String path, String output, String job, String submission, long claim, String contractVersion)
        implements Serializable {

    String stagedFolder() {
        return path + "/_staged/" + submission;
    }

    String manifestPath(Manifest manifest) {
        return path + "/_staged/manifests/" + manifest.id() + ".json";
    }

    /** The path of a staged file as the table knows it: relative to the table's folder. */
    String relative(String file) {
        if (!file.startsWith(path + "/")) {
            throw new IllegalStateException("a staged file lies outside its table " + path + ": " + file);
        }
        return file.substring(path.length() + 1);
    }
}
