package headrace.format;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * Finds the column that a field names, without building a name.
 *
 * <p>A producer writes its fields in the same order in every record, so the column that came after
 * this one last time is compared first, quotes included; only where that fails is the name looked up
 * by its hash.
 */
final class FieldNames {

    static final int UNKNOWN = -1;

    private final byte[][] names;

    /** The names in quotes, as in a JSON text; null for a name that must be escaped there. */
    private final byte[][] quoted;

    /** At i + 1 the column that followed column i in the last record; at 0 the first one. */
    private final int[] followers;

    /** Open addressing: a column plus one, or 0 for a free slot. At most half full. */
    private final int[] slots;

    FieldNames(List<String> columns) {
        int count = columns.size();
        names = new byte[count][];
        quoted = new byte[count][];
        followers = new int[count + 1];
        slots = new int[Integer.highestOneBit(count + 1) * 4];
        for (int column = 0; column < count; column++) {
            String name = columns.get(column);
            names[column] = name.getBytes(StandardCharsets.UTF_8);
            quoted[column] = quoted(name);
            followers[column + 1] = (column + 1) % count;
            insert(column);
        }
    }

    /** A raw comparison is safe only where the name's bytes cannot end a JSON string or escape. */
    private static byte[] quoted(String name) {
        boolean plain = name.chars().allMatch(c -> c >= ' ' && c != '"' && c != '\\');
        return plain ? ('"' + name + '"').getBytes(StandardCharsets.UTF_8) : null;
    }

    private void insert(int column) {
        byte[] name = names[column];
        int slot = hash(name, 0, name.length) & slots.length - 1;
        while (slots[slot] != 0) {
            slot = slot + 1 & slots.length - 1;
        }
        slots[slot] = column + 1;
    }

    /**
     * Consumes the quoted name at the cursor.
     *
     * @param previous the column before it in this record, or {@link #UNKNOWN} at the beginning
     * @return the column; {@link #UNKNOWN} if the name is not a column, or is not a JSON string, when the
     *     scanner has a reason
     */
    int read(JsonScanner in, int previous) {
        if (in.next() != '"') {
            in.failHere(Reason.MALFORMED_JSON);
            return UNKNOWN;
        }
        byte[] expected = names.length == 0 ? null : quoted[followers[previous + 1]];
        if (expected != null && in.startsWith(expected)) {
            in.advance(expected.length);
            return followers[previous + 1];
        }
        if (!in.readString()) {
            return UNKNOWN;
        }
        int column = find(in.string);
        if (column != UNKNOWN) {
            followers[previous + 1] = column;
        }
        return column;
    }

    private int find(StringToken name) {
        int slot = hash(name.bytes, name.from, name.to) & slots.length - 1;
        while (slots[slot] != 0) {
            byte[] candidate = names[slots[slot] - 1];
            if (Arrays.equals(
                    candidate, 0, candidate.length, name.bytes, name.from, name.to)) {
                return slots[slot] - 1;
            }
            slot = slot + 1 & slots.length - 1;
        }
        return UNKNOWN;
    }

    private static int hash(byte[] bytes, int from, int to) {
        int hash = 0;
        for (int i = from; i < to; i++) {
            hash = hash * 31 + bytes[i];
        }
        return hash ^ hash >>> 15;
    }
}
