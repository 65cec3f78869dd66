package headrace.format;

/** The calendar part of RFC 3339, by arithmetic on ASCII digits. Years are 0001 to 9999. */
final class Calendar {

    /** The length of YYYY-MM-DD. */
    static final int DATE_LENGTH = 10;

    /** What {@link #epochDay} returns for an invalid day. */
    static final int NO_DAY = Integer.MIN_VALUE;

    /** 0001-01-01 and 9999-12-31, in days since 1970-01-01. */
    static final int FIRST_DAY = -719_162;

    static final int LAST_DAY = 2_932_896;

    /** So small that no multiple of it plus other digits is a valid number again. */
    private static final int NO_NUMBER = -1_000_000;

    private static final int DAYS_PER_400_YEARS = 146_097;

    /** Days from 0000-03-01, where the years of {@link #daysSinceEpoch} begin, to 1970-01-01. */
    private static final int EPOCH = 719_468;

    private Calendar() {}

    /** The day that the ten bytes from {@code at} write as YYYY-MM-DD, since 1970-01-01. */
    static int epochDay(byte[] bytes, int at) {
        if (bytes[at + 4] != '-' || bytes[at + 7] != '-') {
            return NO_DAY;
        }
        int year = twoDigits(bytes, at) * 100 + twoDigits(bytes, at + 2);
        int month = twoDigits(bytes, at + 5);
        int day = twoDigits(bytes, at + 8);
        boolean valid =
                year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= monthLength(year, month);
        return valid ? daysSinceEpoch(year, month, day) : NO_DAY;
    }

    /** A number of two digits, or a negative number. */
    static int twoDigits(byte[] bytes, int at) {
        int tens = bytes[at] - '0';
        int ones = bytes[at + 1] - '0';
        boolean digits = tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9;
        return digits ? tens * 10 + ones : NO_NUMBER;
    }

    private static int monthLength(int year, int month) {
        return switch (month) {
            case 4, 6, 9, 11 -> 30;
            case 2 -> isLeap(year) ? 29 : 28;
            default -> 31;
        };
    }

    private static boolean isLeap(int year) {
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    }

    /** Years that begin in March have their leap day last, so that months have a formula. */
    private static int daysSinceEpoch(int year, int month, int day) {
        int marchYear = month > 2 ? year : year - 1;
        int marchMonth = month > 2 ? month - 3 : month + 9;
        int century = marchYear / 400;
        int yearOfCentury = marchYear % 400;
        int dayOfYear = (153 * marchMonth + 2) / 5 + day - 1;
        int leapDays = yearOfCentury / 4 - yearOfCentury / 100;
        return century * DAYS_PER_400_YEARS + yearOfCentury * 365 + leapDays + dayOfYear - EPOCH;
    }
}
