import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** An application that saves its work in a shutdown hook. */
public class Hook {
    static void write(String word) {
        try {
            Path answer = Path.of("/out/answer");
            Files.writeString(answer, word + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (java.io.IOException failure) {
            throw new java.io.UncheckedIOException(failure);
        }
    }

    public static void main(String[] words) throws InterruptedException {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                Thread.sleep(1000);
                write("complete");
            } catch (InterruptedException never) {
            }
        }));
        write("begun");
        Thread.sleep(Long.MAX_VALUE);
    }
}
