package headrace.format;

import org.apache.flink.table.data.TimestampData;

/**
 * TIMESTAMP_LTZ(p) from a string of RFC 3339 with its offset: {@code 2026-01-31T23:59:59.123+01:00}.
 *
 * <p>An instant without an offset would be a guess, a rolled over {@code 24:00} or {@code :60} a
 * changed value. The instant must also lie within the years 0001 to 9999 in UTC, because that is
 * where it is stored.
 */
final class TimestampReader implements ValueReader {

    /** Microseconds: the finest that a Delta table keeps. */
    static final int MAX_PRECISION = 6;

    private static final int TIME_LENGTH = "THH:MM:SS".length();
    private static final int OFFSET_LENGTH = "+hh:mm".length();
    private static final int MAX_OFFSET_MINUTES = 18 * 60;
    private static final int NONE = Integer.MIN_VALUE;
    private static final long SECONDS_PER_DAY = 86_400;

    private final int precision;

    TimestampReader(int precision) {
        this.precision = precision;
    }

    @Override
    public Object read(JsonScanner in) {
        if (!in.readString()) {
            return null;
        }
        byte[] bytes = in.string.bytes;
        int from = in.string.from;
        int to = in.string.to;
        int fraction = from + Calendar.DATE_LENGTH + TIME_LENGTH;
        if (fraction >= to) { // no byte is left for the offset
            in.fail(Reason.BAD_TIMESTAMP);
            return null;
        }
        int day = Calendar.epochDay(bytes, from);
        int seconds = secondOfDay(bytes, from + Calendar.DATE_LENGTH);
        int offset = fractionEnd(bytes, fraction, to);
        int offsetSeconds = offsetSeconds(bytes, offset, to);
        if (day == Calendar.NO_DAY || seconds == NONE || offset == NONE || offsetSeconds == NONE) {
            in.fail(Reason.BAD_TIMESTAMP);
            return null;
        }
        long epochSecond = day * SECONDS_PER_DAY + seconds - offsetSeconds;
        if (!isStorable(epochSecond)) {
            in.fail(Reason.BAD_TIMESTAMP);
            return null;
        }
        if (!fractionFits(bytes, fraction, offset)) {
            in.fail(Reason.TIMESTAMP_PRECISION);
            return null;
        }
        int micros = micros(bytes, fraction, offset);
        return TimestampData.fromEpochMillis(
                epochSecond * 1000 + micros / 1000, micros % 1000 * 1000);
    }

    private static int secondOfDay(byte[] bytes, int at) {
        if (bytes[at] != 'T' || bytes[at + 3] != ':' || bytes[at + 6] != ':') {
            return NONE;
        }
        int hour = Calendar.twoDigits(bytes, at + 1);
        int minute = Calendar.twoDigits(bytes, at + 4);
        int second = Calendar.twoDigits(bytes, at + 7);
        boolean valid =
                hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
        return valid ? hour * 3600 + minute * 60 + second : NONE;
    }

    /** Where the offset begins: after {@code .digits}, or at once if there is no point. */
    private static int fractionEnd(byte[] bytes, int at, int to) {
        if (bytes[at] != '.') {
            return at;
        }
        int end = at + 1;
        while (end < to && bytes[end] >= '0' && bytes[end] <= '9') {
            end++;
        }
        return end > at + 1 ? end : NONE;
    }

    private static int offsetSeconds(byte[] bytes, int at, int to) {
        if (at == NONE || at >= to) {
            return NONE;
        }
        if (bytes[at] == 'Z') {
            return to - at == 1 ? 0 : NONE;
        }
        boolean minus = bytes[at] == '-';
        if (to - at != OFFSET_LENGTH || !minus && bytes[at] != '+' || bytes[at + 3] != ':') {
            return NONE;
        }
        int hours = Calendar.twoDigits(bytes, at + 1);
        int minutes = Calendar.twoDigits(bytes, at + 4);
        int total = hours * 60 + minutes;
        if (hours < 0 || minutes < 0 || minutes > 59 || total > MAX_OFFSET_MINUTES) {
            return NONE;
        }
        return minus ? -total * 60 : total * 60;
    }

    private static boolean isStorable(long epochSecond) {
        long day = Math.floorDiv(epochSecond, SECONDS_PER_DAY);
        return day >= Calendar.FIRST_DAY && day <= Calendar.LAST_DAY;
    }

    /** Whether all digits beyond the column's precision are zeros. */
    private boolean fractionFits(byte[] bytes, int point, int end) {
        for (int i = point + 1 + precision; i < end; i++) {
            if (bytes[i] != '0') {
                return false;
            }
        }
        return true;
    }

    private static int micros(byte[] bytes, int point, int end) {
        int micros = 0;
        int unit = 100_000;
        for (int i = point + 1; i < end && unit > 0; i++) {
            micros += (bytes[i] - '0') * unit;
            unit /= 10;
        }
        return micros;
    }
}
