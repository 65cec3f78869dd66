package headrace.format;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.types.logical.RowType;
import org.junit.jupiter.api.Test;

/** The decoder and the {@link Oracle} agree on every record; and on any bytes nothing escapes. */
class DifferentialTest {

    private static final RowType COLUMNS = Outcome.columns(Documents.COLUMNS);

    private final StrictJsonDecoder decoder = new StrictJsonDecoder(COLUMNS, UnknownFields.IGNORE);
    private final Oracle oracle = new Oracle(COLUMNS);
    private final Set<Reason> reasons = EnumSet.noneOf(Reason.class);
    private int decoded;
    private int refused;

    private void agree(byte[] payload) {
        byte[] before = payload.clone();
        Outcome actual = Outcome.of(COLUMNS, decoder, payload);
        List<String> expected = oracle.decode(before);
        assertEquals(expected, actual.reason() == null ? actual.values() : null, () -> show(before, actual));
        assertTrue(actual.reason() == null || actual.allNull(), () -> show(before, actual));
        assertTrue(Arrays.equals(before, payload), "the payload was changed");
        if (actual.reason() == null) {
            decoded++;
        } else {
            refused++;
            reasons.add(Reason.valueOf(actual.reason().toUpperCase(Locale.ROOT)));
        }
    }

    private static String show(byte[] payload, Outcome actual) {
        return new String(payload, UTF_8) + "\n" + HexFormat.of().formatHex(payload) + "\n" + actual;
    }

    @Test
    void validDocuments() {
        Documents documents = new Documents(1);
        for (int n = 0; n < 100_000; n++) {
            agree(documents.valid());
        }
        assertTrue(decoded > 30_000 && refused > 10_000, decoded + " decoded, " + refused + " refused");
    }

    @Test
    void mutatedDocuments() {
        Documents documents = new Documents(2);
        for (int n = 0; n < 300_000; n++) {
            agree(documents.mutated());
        }
        assertTrue(decoded > 10_000, decoded + " decoded");
        Set<Reason> elsewhere =
                EnumSet.of(
                        Reason.NULL_PAYLOAD,
                        Reason.UNKNOWN_FIELD,
                        Reason.NESTING_TOO_DEEP,
                        Reason.REQUIRED_MISSING);
        assertEquals(EnumSet.complementOf(EnumSet.copyOf(elsewhere)), reasons);
    }

    /** Structure alone: no column is in the documents, so no value is ever judged. */
    @Test
    void structureIsAcceptedExactlyWhereJacksonAcceptsIt() {
        RowType other = Outcome.columns("other INT");
        StrictJsonDecoder structure = new StrictJsonDecoder(other, UnknownFields.IGNORE);
        Oracle jackson = new Oracle(other);
        Documents documents = new Documents(3);
        for (int n = 0; n < 200_000; n++) {
            byte[] payload = documents.mutated();
            Outcome actual = Outcome.of(other, structure, payload);
            boolean expected = jackson.decode(payload) != null;
            assertEquals(expected, actual.reason() == null, () -> show(payload, actual));
        }
    }

    @Test
    void everyByteReplacedByEveryByte() {
        byte[] document =
                ("{\"s\":\"a\\u20ac€\",\"i\":-12,\"d\":\"1.50\",\"x\":1.5e-3,\"o\":true,\"z\":[{\"y\":null}],"
                                + "\"t\":\"2024-02-29\",\"m\":\"2024-02-29T12:34:56.789+01:30\"}")
                        .getBytes(UTF_8);
        for (int at = 0; at < document.length; at++) {
            for (int b = 0; b < 256; b++) {
                byte[] changed = document.clone();
                changed[at] = (byte) b;
                agree(changed);
            }
        }
    }

    @Test
    void everyPrefixIsRefused() {
        Documents documents = new Documents(4);
        for (int n = 0; n < 200; n++) {
            byte[] document = documents.valid();
            for (int length = 0; length < document.length; length++) {
                byte[] prefix = Arrays.copyOf(document, length);
                GenericRowData row = decoder.decode(prefix, 0);
                assertTrue(decoder.reason() != null, () -> new String(prefix, UTF_8));
                assertNull(row.getField(0));
            }
        }
    }

    @Test
    void randomBytes() {
        Random random = new Random(5);
        String alphabet = "{}[]\",:\\u0019.eE+- truefalsn\n\u0000\u00ff\u00c3";
        for (int n = 0; n < 300_000; n++) {
            byte[] payload = new byte[random.nextInt(24)];
            random.nextBytes(payload);
            if (n % 4 > 0) {
                for (int i = 0; i < payload.length; i++) {
                    payload[i] = (byte) alphabet.charAt(random.nextInt(alphabet.length()));
                }
            }
            agree(payload);
        }
    }
}
