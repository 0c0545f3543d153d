import java.util.Map;

/** Calls the example's handler once. */
public class Run {
  public static void main(String[] args) throws Exception {
    System.out.println(new example.Reader().read(Map.of()));
    System.exit(0);
  }
}
