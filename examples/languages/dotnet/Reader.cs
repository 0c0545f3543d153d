// Packages: Amazon.Lambda.Core, Amazon.Lambda.Serialization.SystemTextJson, AWSSDK.Lambda.
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Amazon.Lambda;
using Amazon.Lambda.Core;
using Amazon.Lambda.Model;

[assembly: LambdaSerializer(typeof(Amazon.Lambda.Serialization.SystemTextJson.DefaultLambdaJsonSerializer))]

namespace Example;

/// <summary>Reads a summary with a token of the zone's tokens function.</summary>
public class Reader
{
    private static readonly AmazonLambdaClient Functions = new();
    // Token and proof are for this API, not for whoever it redirects to.
    private static readonly HttpClient Http = new(new HttpClientHandler { AllowAutoRedirect = false });

    private static async Task<JsonObject> AskForHeaders(JsonObject request)
    {
        var tokens = Environment.GetEnvironmentVariable("TOKENS_FUNCTION");
        var answer = await Functions.InvokeAsync(new InvokeRequest { FunctionName = tokens, Payload = request.ToJsonString() });
        var headers = JsonSerializer.Deserialize<JsonObject>(answer.Payload)!;
        if (headers.ContainsKey("error") || answer.FunctionError != null) throw new InvalidOperationException($"no token: {headers}");
        return headers;
    }

    public async Task<JsonNode?> Read(JsonObject _)
    {
        var url = Environment.GetEnvironmentVariable("SUMMARIES_API") + "/v1/summaries/17";
        var request = new JsonObject { ["api"] = "summaries", ["method"] = "GET", ["url"] = url };
        for (var left = 2; ; left--)
        {
            var headers = await AskForHeaders(request);
            var call = new HttpRequestMessage(HttpMethod.Get, url);
            call.Headers.TryAddWithoutValidation("Authorization", (string)headers["authorization"]!);
            call.Headers.TryAddWithoutValidation("DPoP", (string)headers["dpop"]!);
            using var answer = await Http.SendAsync(call);
            if (answer.IsSuccessStatusCode) return JsonNode.Parse(await answer.Content.ReadAsStringAsync());
            if (answer.StatusCode != HttpStatusCode.Unauthorized || left == 0) answer.EnsureSuccessStatusCode();
            if (!answer.Headers.WwwAuthenticate.ToString().Contains("use_dpop_nonce")) request["refused"] = (string)headers["authorization"]!;
            if (answer.Headers.TryGetValues("DPoP-Nonce", out var nonces)) request["nonce"] = nonces.First();
        }
    }
}
