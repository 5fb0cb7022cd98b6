package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/version"
)

// mskIAM signs in at Amazon MSK with the configured keys, else with those of the first place of AWS
// that has some: the environment, the profile's files, a web identity, the container, the instance.
func mskIAM(c config.AWS) sasl.Mechanism {
	places := awsPlaces{
		credentials.NewEnvAWS(), credentials.NewFileAWSCredentials("", ""), credentials.NewIAM(""),
	}
	return aws.ManagedStreamingIAM(func(ctx context.Context) (aws.Auth, error) {
		auth := aws.Auth{UserAgent: "deskstream/" + version.Release()}
		if !c.AccessKeyID.IsZero() {
			auth.AccessKey, auth.SecretKey, auth.SessionToken = present(c.AccessKeyID), present(c.SecretAccessKey), present(c.SessionToken)
			return auth, nil
		}
		keys, err := places.get(ctx)
		if err != nil {
			return aws.Auth{}, err
		}
		auth.AccessKey, auth.SecretKey, auth.SessionToken = keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken
		return auth, nil
	})
}

// awsPlaces are where keys may be, in the order in which they are asked.
type awsPlaces []*credentials.Credentials

// get returns the keys of the first place that has some. Each place keeps its keys until they expire.
func (p awsPlaces) get(ctx context.Context) (credentials.Value, error) {
	var none []error
	for _, place := range p {
		keys, err := place.GetWithContext(&credentials.CredContext{Context: ctx, Client: &http.Client{Timeout: tokenTimeout}})
		if err != nil {
			none = append(none, hideURL(err))
			continue
		}
		if keys.AccessKeyID != "" && keys.SecretAccessKey != "" {
			return keys, nil
		}
	}
	return credentials.Value{}, &keysError{errors.Join(none...)}
}

// keysError is that no place has keys of AWS.
type keysError struct{ err error }

func (e *keysError) Error() string {
	if e.err == nil {
		return "found no keys of AWS"
	}
	return fmt.Sprintf("found no keys of AWS: %v", e.err)
}

func (e *keysError) Unwrap() error { return e.err }

// hideURL removes the URL from the error of a request: its query may hold a secret.
func hideURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
