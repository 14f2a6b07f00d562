import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

/** Asks with the client that is part of Java. */
public class Ask {
    public static void main(String[] arguments) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        HttpRequest.Builder asked = HttpRequest.newBuilder(URI.create(arguments[0] + "/issues"))
            .header("authorization", "Bearer " + System.getenv("TOKEN"));
        System.out.println(client.send(asked.GET().build(), BodyHandlers.ofString()).body());
        HttpRequest.Builder told = asked.header("content-type", "application/json");
        HttpRequest post = told.POST(HttpRequest.BodyPublishers.ofString("{\"title\":\"a\"}")).build();
        System.out.println(client.send(post, BodyHandlers.ofString()).body());
    }
}
