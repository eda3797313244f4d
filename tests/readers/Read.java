import java.io.DataInputStream;
import java.io.FileInputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.zip.GZIPInputStream;

/** Prints the sha256 and the name of every regular file of a .tar.gz, with the JDK's own gzip and a walk over tar. */
class Read {
    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        try (DataInputStream plain =
                new DataInputStream(new GZIPInputStream(new FileInputStream(arguments[0]), 1 << 16))) {
            String longName = null;
            byte[] header = new byte[512];
            for (plain.readFully(header); header[0] != 0; plain.readFully(header)) {
                long size = Long.parseLong(text(header, 124, 12).trim(), 8);
                byte[] content = new byte[(int) size];
                plain.readFully(content);
                plain.readFully(new byte[(int) ((512 - size % 512) % 512)]);
                if (header[156] == 'x') {
                    longName = pathOf(content);
                    continue;
                }
                if (header[156] == '0') {
                    out.println(hex(MessageDigest.getInstance("SHA-256").digest(content)) + " "
                            + (longName != null ? longName : text(header, 0, 100)));
                }
                longName = null;
            }
            while (plain.read(header) >= 0) {
                continue;
            }
        }
        out.flush();
    }

    /** The value of `path` in a pax header: lines of `LENGTH KEY=VALUE\n`, where LENGTH counts the whole line. */
    private static String pathOf(byte[] records) {
        for (int at = 0; at < records.length; ) {
            int space = at;
            while (records[space] != ' ') {
                space++;
            }
            int length = Integer.parseInt(new String(records, at, space - at, StandardCharsets.US_ASCII));
            String record = new String(records, space + 1, length - (space - at) - 2, StandardCharsets.UTF_8);
            if (record.startsWith("path=")) {
                return record.substring(5);
            }
            at += length;
        }
        return null;
    }

    private static String text(byte[] header, int from, int length) {
        int end = from;
        while (end < from + length && header[end] != 0) {
            end++;
        }
        return new String(header, from, end - from, StandardCharsets.UTF_8);
    }

    private static String hex(byte[] digest) {
        StringBuilder text = new StringBuilder();
        for (byte one : digest) {
            text.append(String.format("%02x", one));
        }
        return text.toString();
    }
}
