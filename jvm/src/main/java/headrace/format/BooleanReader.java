package headrace.format;

/** BOOLEAN from {@code true} and {@code false}, and from nothing that only looks like them. */
final class BooleanReader implements ValueReader {

    @Override
    public Object read(JsonScanner in) {
        return switch (in.next()) {
            case 't' -> in.readLiteral("true") ? Boolean.TRUE : null;
            case 'f' -> in.readLiteral("false") ? Boolean.FALSE : null;
            default -> {
                in.wrongType();
                yield null;
            }
        };
    }
}
