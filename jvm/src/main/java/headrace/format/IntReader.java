package headrace.format;

/** INT from a JSON number without fraction and exponent. */
final class IntReader implements ValueReader {

    @Override
    public Object read(JsonScanner in) {
        if (!BigintReader.readsWholeNumber(in)) {
            return null;
        }
        long value = BigintReader.value(in.number);
        if (value != (int) value) {
            in.fail(Reason.INTEGER_OUT_OF_RANGE);
            return null;
        }
        return (int) value;
    }
}
