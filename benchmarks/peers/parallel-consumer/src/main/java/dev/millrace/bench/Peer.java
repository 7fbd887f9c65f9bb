package dev.millrace.bench;

import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelStreamProcessor;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Takes one command a line from standard input and answers each with {@code done NANOSECONDS CPU_NANOSECONDS}, from the start of the first
 * function call to the end of the last one:
 *
 * <pre>
 * sleep BOOTSTRAP TOPIC GROUP COUNT CONCURRENCY
 * post  BOOTSTRAP TOPIC GROUP COUNT CONCURRENCY URL
 * </pre>
 *
 * Order is by key, commits are asynchronous: as ours. Everything else is the library's default.
 */
public final class Peer {
  private interface Work {
    void call(ConsumerRecord<byte[], byte[]> record) throws Exception;
  }

  private static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private static ParallelStreamProcessor<byte[], byte[]> open(String bootstrap, String group, int concurrency) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", bootstrap);
    settings.put("group.id", group);
    settings.put("auto.offset.reset", "earliest");
    settings.put("enable.auto.commit", "false");
    settings.put("max.poll.records", "2000");
    var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    var options =
        ParallelConsumerOptions.<byte[], byte[]>builder()
            .consumer(consumer)
            .ordering(ParallelConsumerOptions.ProcessingOrder.KEY)
            .commitMode(ParallelConsumerOptions.CommitMode.PERIODIC_CONSUMER_ASYNCHRONOUS)
            .maxConcurrency(concurrency)
            .build();
    return ParallelStreamProcessor.createEosStreamProcessor(options);
  }

  private static long cpuNanos() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
  }

  private static String run(String[] words, Work work) throws Exception {
    int count = Integer.parseInt(words[4]);
    AtomicLong start = new AtomicLong();
    AtomicLong cpu = new AtomicLong();
    AtomicInteger left = new AtomicInteger(count);
    CountDownLatch end = new CountDownLatch(1);
    long[] result = new long[2];
    var processor = open(words[1], words[3], Integer.parseInt(words[5]));
    processor.subscribe(List.of(words[2]));
    processor.poll(
        context -> {
          long cpuNow = start.get() == 0 ? cpuNanos() : 0;
          if (start.compareAndSet(0, System.nanoTime())) cpu.set(cpuNow);
          try {
            work.call(context.getSingleConsumerRecord());
          } catch (Exception failure) {
            throw new RuntimeException(failure);
          }
          if (left.decrementAndGet() == 0) {
            result[0] = System.nanoTime() - start.get();
            result[1] = cpuNanos() - cpu.get();
            end.countDown();
          }
        });
    boolean ended = end.await(10, TimeUnit.MINUTES);
    processor.closeDontDrainFirst();
    return ended ? "done " + result[0] + " " + result[1] : "failed " + left.get() + " records are left after 10 minutes";
  }

  /** The same waits as in lib/kafka/waits.ts: 0 to 5 ms, by the offset. */
  private static long waitMs(long offset) {
    return (((int) offset * 0x9E3779B1) >>> 16) % 6;
  }

  private static Work posting(String url) {
    URI target = URI.create(url);
    return record -> {
      var request =
          HttpRequest.newBuilder(target)
              .header("content-type", "application/json")
              .header("x-topic", record.topic())
              .header("x-kafka-partition", String.valueOf(record.partition()))
              .header("x-kafka-offset", String.valueOf(record.offset()))
              .POST(HttpRequest.BodyPublishers.ofByteArray(record.value()))
              .build();
      int status = HTTP.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
      if (status != 200) throw new IllegalStateException("status " + status);
    };
  }

  public static void main(String[] args) throws Exception {
    var input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] words = line.trim().split(" ");
      try {
        System.out.println(run(words, words[0].equals("post") ? posting(words[6]) : record -> Thread.sleep(waitMs(record.offset()))));
      } catch (Exception failure) {
        System.out.println("failed " + failure);
      }
    }
    System.exit(0);
  }
}
