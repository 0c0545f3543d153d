package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	invoke "github.com/aws/aws-sdk-go-v2/service/lambda"
)

var functions *invoke.Client

// Token and proof are for this API: Go would repeat the proof to whoever it redirects to.
var api = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func askForHeaders(ctx context.Context, request map[string]string) (headers map[string]any, err error) {
	payload, _ := json.Marshal(request)
	tokens := os.Getenv("TOKENS_FUNCTION")
	answer, err := functions.Invoke(ctx, &invoke.InvokeInput{FunctionName: &tokens, Payload: payload})
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(answer.Payload, &headers)
	if err == nil && (answer.FunctionError != nil || headers["error"] != nil) {
		err = fmt.Errorf("no token: %s", answer.Payload)
	}
	return headers, err
}

func handle(ctx context.Context) (summary map[string]any, err error) {
	url := os.Getenv("SUMMARIES_API") + "/v1/summaries/17"
	request := map[string]string{"api": "summaries", "method": "GET", "url": url}
	for left := 2; ; left-- {
		headers, err := askForHeaders(ctx, request)
		if err != nil {
			return nil, err
		}
		call, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
		call.Header.Set("Authorization", headers["authorization"].(string))
		call.Header.Set("DPoP", headers["dpop"].(string))
		answer, err := api.Do(call)
		if err != nil {
			return nil, err
		}
		defer answer.Body.Close()
		if answer.StatusCode == 200 {
			return summary, json.NewDecoder(answer.Body).Decode(&summary)
		}
		if answer.StatusCode != 401 || left == 0 {
			return nil, fmt.Errorf("the API answered %s", answer.Status)
		}
		if !strings.Contains(answer.Header.Get("WWW-Authenticate"), "use_dpop_nonce") {
			request["refused"] = headers["authorization"].(string)
		}
		if nonce := answer.Header.Get("DPoP-Nonce"); nonce != "" {
			request["nonce"] = nonce
		}
	}
}

func main() {
	settings, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		panic(err)
	}
	functions = invoke.NewFromConfig(settings)
	lambda.Start(handle)
}
