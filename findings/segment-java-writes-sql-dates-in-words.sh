#!/usr/bin/env bash
# com.segment.analytics.java:analytics 3.5.4: a java.util.Date among the properties goes out as
# ISO 8601 in UTC, a java.sql.Date, which is one, in the words of the machine's language:
# "May 6, 1990", on a Dutch machine "mei 6, 1990". A java.sql.Timestamp is ISO again.
#
# One would expect one form for all three: the library registers an adapter for Date. JDBC
# gives a java.sql.Date for each DATE column, so birthdays and due dates arrive in another
# form than all other times, without a year first, and in a language that depends on where
# the program runs.
#
# Seen, with user.language nl and en: the Date and the Timestamp of 1990-05-06T00:00Z go out as
# 1990-05-06T00:00:00.000Z, the java.sql.Date as above.
#
# Exits 0 while that is so. Needs Java 17 or later and Maven.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>com.segment.analytics.java</groupId><artifactId>analytics</artifactId><version>3.5.4</version></dependency>
  </dependencies>
</project>
XML
mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies -DoutputDirectory=lib >/dev/null

cat > Main.java <<'JAVA'
import com.segment.analytics.Analytics;
import com.segment.analytics.messages.TrackMessage;
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;

public class Main {
  public static void main(String[] args) throws Exception {
    CompletableFuture<String> body = new CompletableFuture<>();
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", exchange -> {
      boolean packed = "gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"));
      byte[] bytes = (packed ? new GZIPInputStream(exchange.getRequestBody()) : exchange.getRequestBody()).readAllBytes();
      exchange.sendResponseHeaders(200, 2);
      exchange.getResponseBody().write("{}".getBytes());
      exchange.close();
      body.complete(new String(bytes, "UTF-8"));
    });
    server.start();
    long millis = 641952000000L; // 1990-05-06T00:00:00Z
    Analytics analytics = Analytics.builder("key").endpoint("http://127.0.0.1:" + server.getAddress().getPort()).build();
    analytics.enqueue(TrackMessage.builder("Paid").userId("u-1").properties(Map.of(
        "date", new java.util.Date(millis), "sqlDate", new java.sql.Date(millis), "timestamp", new java.sql.Timestamp(millis))));
    analytics.flush();
    String sent = body.get(30, TimeUnit.SECONDS);
    String want = args[0];
    boolean same = true;
    for (String member : new String[] {"\"date\":\"1990-05-06T00:00:00.000Z\"", "\"timestamp\":\"1990-05-06T00:00:00.000Z\"", "\"sqlDate\":\"" + want + "\""}) {
      boolean there = sent.contains(member);
      System.out.println(member + (there ? "" : " is not in " + sent));
      same &= there;
    }
    server.stop(0);
    System.exit(same ? 0 : 1);
  }
}
JAVA
javac -cp 'lib/*' Main.java
run() { java -Duser.timezone=UTC -Duser.language="$1" -Duser.country="$2" -cp 'lib/*:.' Main "$3" 2>/dev/null; }
run en US 'May 6, 1990'
run nl NL 'mei 6, 1990'
