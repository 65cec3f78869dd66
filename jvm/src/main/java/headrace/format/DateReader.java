package headrace.format;

/** DATE from a string YYYY-MM-DD. */
final class DateReader implements ValueReader {

    @Override
    public Object read(JsonScanner in) {
        if (!in.readString()) {
            return null;
        }
        StringToken text = in.string;
        int day =
                text.length() == Calendar.DATE_LENGTH
                        ? Calendar.epochDay(text.bytes, text.from)
                        : Calendar.NO_DAY;
        if (day == Calendar.NO_DAY) {
            in.fail(Reason.BAD_DATE);
            return null;
        }
        return day;
    }
}
