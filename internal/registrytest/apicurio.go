//go:build kafka

package registrytest

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// Apicurio as it is published: the image, and the archive with its checksum.
const (
	apicurioVersion = "2.5.11.Final"
	apicurioImage   = "apicurio/apicurio-registry-mem:" + apicurioVersion
	apicurioMaven   = "io.apicurio:apicurio-registry-app:" + apicurioVersion + ":tar.gz:all"
	apicurioFile    = "apicurio-registry-app-" + apicurioVersion + "-all.tar.gz"
	apicurioPath    = "io/apicurio/apicurio-registry-app/" + apicurioVersion + "/" + apicurioFile
	apicurioSum     = "f894a17f650ec427de72cfb68edfc30f8020743269293e58372e22f67fd4fd15"
	apicurioRunner  = "apicurio-registry-app-" + apicurioVersion + "-runner.jar"
	// confluentPath is where its API is that of Confluent's registry.
	confluentPath = "/apis/ccompat/v7"
	// apicurioStart limits how long its start may take.
	apicurioStart = 3 * time.Minute
)

// Apicurio returns the address of a real registry: that in REGISTRY_URL, or Apicurio in a
// container if Docker answers, or else from its archive with Java. KAFKATEST_WAY chooses
// as it does for brokers.
func Apicurio(t *testing.T) string {
	t.Helper()
	if url := os.Getenv("REGISTRY_URL"); url != "" {
		return url
	}
	switch way := os.Getenv("KAFKATEST_WAY"); {
	case way == "jars", way != "docker" && !dockerAnswers(t.Context()):
		return apicurioByJava(t)
	default:
		return apicurioInDocker(t)
	}
}

func dockerAnswers(ctx context.Context) bool {
	provider, err := testcontainers.NewDockerProvider()
	return err == nil && provider.Health(ctx) == nil // which closes it
}

func apicurioInDocker(t *testing.T) string {
	t.Helper()
	c, err := testcontainers.GenericContainer(t.Context(), testcontainers.GenericContainerRequest{
		Started: true,
		ContainerRequest: testcontainers.ContainerRequest{
			Image: apicurioImage, ExposedPorts: []string{"8080/tcp"},
			WaitingFor: wait.ForHTTP(confluentPath + "/subjects").WithPort("8080/tcp").WithStartupTimeout(apicurioStart),
		},
	})
	testcontainers.CleanupContainer(t, c)
	if err != nil {
		t.Fatalf("starting %s (KAFKATEST_WAY=jars needs no Docker): %v", apicurioImage, err)
	}
	address, err := c.PortEndpoint(t.Context(), "8080/tcp", "http")
	if err != nil {
		t.Fatal(err)
	}
	return address + confluentPath
}

// apicurioByJava starts Apicurio as a process that ends with the test.
func apicurioByJava(t *testing.T) string {
	t.Helper()
	dir, err := apicurioFiles(t.Context())
	if err != nil {
		t.Fatalf("getting Apicurio (with REGISTRY_URL none is needed): %v", err)
	}
	port := freePort(t)
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	cmd := exec.CommandContext(t.Context(), "java", "-Xmx400m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", filepath.Join(dir, apicurioRunner))
	cmd.Env = append(os.Environ(), "QUARKUS_HTTP_HOST=127.0.0.1", "QUARKUS_HTTP_PORT="+port)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting Apicurio, for which Java 11 or later is needed: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // it is killed when the test ends
	}()
	t.Cleanup(func() { <-ended })
	url := "http://127.0.0.1:" + port + confluentPath
	if err := awaitHTTP(t.Context(), url+"/subjects", ended); err != nil {
		text, _ := os.ReadFile(log.Name()) // what there is of it
		t.Fatalf("waiting for Apicurio: %v\n%s", err, text)
	}
	return url
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // it took no connection
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// awaitHTTP waits until a page answers with status 200.
func awaitHTTP(ctx context.Context, url string, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, apicurioStart)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ended:
			return errors.New("its process ended")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// apicurioFiles returns the directory with the published files. They are fetched once, from
// the repository in MAVEN_REPOSITORY or else through Maven.
func apicurioFiles(ctx context.Context) (string, error) {
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		cache = filepath.Join(home, ".cache")
	}
	cache = filepath.Join(cache, "deskstream")
	dir := filepath.Join(cache, "apicurio-"+apicurioVersion)
	if _, err := os.Stat(filepath.Join(dir, apicurioRunner)); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	part, err := os.MkdirTemp(cache, "fetch.")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(part) }() // in a cache
	files := filepath.Join(part, "files")
	if err := fetchApicurio(ctx, part, files); err != nil {
		return "", err
	}
	// The directory gets its name when all files are there: a broken download leaves nothing.
	if err := os.Rename(files, dir); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return dir, nil
}

// fetchApicurio fetches the archive, checks it, and unpacks it into the directory files.
func fetchApicurio(ctx context.Context, scratch, files string) error {
	archive, err := openArchive(ctx, scratch)
	if err != nil {
		return fmt.Errorf("fetching %s: %w", apicurioMaven, err)
	}
	defer func() { _ = archive.Close() }() // it was read
	sum := sha256.New()
	if err := unpack(io.TeeReader(archive, sum), files); err != nil {
		return fmt.Errorf("unpacking %s: %w", apicurioFile, err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != apicurioSum {
		return fmt.Errorf("%s has the SHA-256 %s, not %s", apicurioFile, got, apicurioSum)
	}
	return nil
}

// openArchive opens the published archive. Maven copies it into the directory scratch.
func openArchive(ctx context.Context, scratch string) (io.ReadCloser, error) {
	if repository := os.Getenv("MAVEN_REPOSITORY"); repository != "" {
		return download(ctx, strings.TrimRight(repository, "/")+"/"+apicurioPath)
	}
	if _, err := exec.LookPath("mvn"); err != nil {
		return nil, errors.New("install Maven, or set MAVEN_REPOSITORY to the URL of a Maven repository")
	}
	cmd := exec.CommandContext(ctx, "mvn", "-q", "-B", "-Dstyle.color=never", "dependency:copy", "-Dartifact="+apicurioMaven, "-DoutputDirectory="+scratch)
	cmd.Dir = scratch // where no project is
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("running mvn: %w\n%s", err, out)
	}
	return os.Open(filepath.Join(scratch, apicurioFile))
}

func download(ctx context.Context, url string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, errors.New(resp.Status)
	}
	return resp.Body, nil
}

// unpack writes the files of an archive into dir and reads it to its end.
func unpack(r io.Reader, dir string) error {
	packed, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	files := tar.NewReader(packed)
	for {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, r)
			return err
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(h.Name) {
			continue
		}
		if err := writeTo(filepath.Join(dir, h.Name), files); err != nil {
			return err
		}
	}
}

func writeTo(path string, r io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}
