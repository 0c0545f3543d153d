import java.net.URI;
import java.util.Set;
import no.helseid.configuration.Client;
import no.helseid.endpoints.token.AccessTokenResponse;
import no.helseid.endpoints.token.ErrorResponse;
import no.helseid.grants.ClientCredentials;
import no.helseid.signing.JWKKeyReference;

/** Gets a token with NHN's Java library and prints it: java GetToken.java ISSUER CLIENT_ID SCOPE, the private JWK in JWK. */
public class GetToken {
  public static void main(String[] args) throws Exception {
    var client = new Client(args[1], JWKKeyReference.parse(System.getenv("JWK")), Set.of(args[2]));
    var response = new ClientCredentials.Builder(URI.create(args[0])).withClient(client).build().getAccessToken();
    if (response instanceof AccessTokenResponse token) System.out.println(token.accessToken());
    if (response instanceof ErrorResponse error) {
      System.err.println(error.error() + ": " + error.errorDescription());
      System.exit(1);
    }
  }
}
