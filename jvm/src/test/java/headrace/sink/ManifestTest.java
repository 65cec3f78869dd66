package headrace.sink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The id of a manifest and the state that leads to its parent; the rest is shown on a real cluster. */
class ManifestTest {

    private static final OutputIdentity FIRST = identity("s1", 1);
    private static final OutputIdentity SECOND = identity("s2", 2);

    private static OutputIdentity identity(String submission, long claim) {
        return new OutputIdentity("s3://lake/t", "t", "job", submission, claim, "1.0.0", 0);
    }

    @Test
    void sealingTheSameTwiceGivesTheSameBytes() {
        Manifest one = Manifest.seal(FIRST, "0000000001-a", 2, List.of());
        Manifest two = Manifest.seal(FIRST, "0000000001-a", 2, List.of());
        assertEquals(
                new String(one.toJson(FIRST), StandardCharsets.UTF_8),
                new String(two.toJson(FIRST), StandardCharsets.UTF_8));
        assertTrue(one.id().startsWith("0000000002-"));
        assertEquals(2, Manifest.number(one.id()));
    }

    @Test
    void whoeverCommitsItTheBytesNameTheSubmissionThatSealedIt() {
        Manifest sealed = Manifest.seal(FIRST, null, 1, List.of());
        assertEquals(
                new String(sealed.toJson(FIRST), StandardCharsets.UTF_8),
                new String(sealed.toJson(SECOND), StandardCharsets.UTF_8));
    }

    @Test
    void twoSubmissionsWithoutRowsDoNotShareAManifest() {
        assertNotEquals(
                Manifest.seal(FIRST, "0000000001-a", 2, List.of()).id(),
                Manifest.seal(SECOND, "0000000001-a", 2, List.of()).id());
    }

    @Test
    void anotherParentOrCheckpointIsAnotherManifest() {
        String id = Manifest.seal(FIRST, "0000000001-a", 2, List.of()).id();
        assertNotEquals(id, Manifest.seal(FIRST, "0000000001-b", 2, List.of()).id());
        assertNotEquals(id, Manifest.seal(FIRST, "0000000001-a", 3, List.of()).id());
    }

    @Test
    void theStateLeadsToTheParentUnderAnotherSubmission() {
        assertEquals("0000000007-ab", SECOND.manifestOf(FIRST.stateOf("0000000007-ab")));
    }

    @Test
    void theStateOfAnotherOutputIsRefused() {
        OutputIdentity other = new OutputIdentity("s3://lake/u", "u", "job", "s1", 1, "1.0.0", 0);
        String state = other.stateOf("0000000007-ab");
        assertThrows(IllegalStateException.class, () -> FIRST.manifestOf(state));
        assertThrows(IllegalStateException.class, () -> FIRST.manifestOf("0000000007-ab"));
    }
}
