import io.xlate.edi.stream.EDIInputFactory;
import io.xlate.edi.stream.EDIStreamEvent;
import io.xlate.edi.stream.EDIStreamReader;
import java.io.BufferedInputStream;
import java.io.FileInputStream;
import java.io.InputStream;

/** Reads every event of a file of interchanges and the text of every element, and does no more. */
public final class Read {
    public static void main(String[] arguments) throws Exception {
        long messages = 0;
        long characters = 0;
        long faults = 0;
        try (InputStream stream = new BufferedInputStream(new FileInputStream(arguments[0]), 1 << 16)) {
            EDIStreamReader reader = EDIInputFactory.newFactory().createEDIStreamReader(stream);
            while (reader.hasNext()) {
                EDIStreamEvent event = reader.next();
                if (event == EDIStreamEvent.ELEMENT_DATA) {
                    characters += reader.getText().length();
                } else if (event == EDIStreamEvent.START_TRANSACTION) {
                    messages++;
                } else if (event.isError()) {
                    faults++;
                }
            }
        }
        System.out.println(messages + " " + characters + " " + faults);
    }
}
