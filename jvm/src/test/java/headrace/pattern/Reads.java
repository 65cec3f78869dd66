package headrace.pattern;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

import org.apache.flink.table.functions.SqlLikeUtils;

/**
 * How many characters java.util.regex reads to judge a text: unlike time, the same on every run.
 *
 * <p>Each line of the input is {@code regex|like PATTERN PREFIX PUMP TIMES SUFFIX}, texts in Base64 of UTF-8; each line of the
 * output a verdict and the number of reads. The argument is the stack of the thread that matches, in bytes.
 */
public final class Reads {
    private static final long MOST = 20_000_000;

    private Reads() {}

    public static void main(String[] arguments) throws Exception {
        Thread matching = new Thread(null, Reads::answer, "matching", Long.parseLong(arguments[0]));
        matching.start();
        matching.join();
    }

    private static void answer() {
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII))
                .lines().map(line -> judged(line.split(" ", -1))).forEach(System.out::println);
    }

    private static String judged(String[] given) {
        boolean like = given[0].equals("like");
        Counted text = new Counted(text(given[2]) + text(given[3]).repeat(Integer.parseInt(given[4])) + text(given[5]));
        try {
            Pattern pattern = Pattern.compile(like ? SqlLikeUtils.sqlToRegexLike(text(given[1]), null) : text(given[1]));
            Matcher matcher = pattern.matcher(text);
            // As Flink's LIKE and REGEXP ask.
            boolean matched = like ? matcher.matches() : matcher.find(0);
            return (matched ? "matched " : "missed ") + text.reads;
        } catch (PatternSyntaxException e) {
            return "refused 0";
        } catch (StackOverflowError e) {
            return "overflow " + text.reads;
        } catch (TooMany e) {
            return "endless " + text.reads;
        }
    }

    private static String text(String base64) {
        return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
    }

    private static final class TooMany extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private static final class Counted implements CharSequence {
        private final String text;
        private long reads;

        Counted(String text) {
            this.text = text;
        }

        @Override
        public char charAt(int index) {
            if (++reads > MOST) {
                throw new TooMany();
            }
            return text.charAt(index);
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return text.subSequence(start, end);
        }

        @Override
        public String toString() {
            return text;
        }
    }
}
