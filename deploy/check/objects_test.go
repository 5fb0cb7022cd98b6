package check

import (
	"strings"
	"testing"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// known are the kinds of objects that the chart may have.
var known = map[schema.GroupVersionKind]func() runtime.Object{
	core.SchemeGroupVersion.WithKind("ConfigMap"):             func() runtime.Object { return new(core.ConfigMap) },
	core.SchemeGroupVersion.WithKind("Service"):               func() runtime.Object { return new(core.Service) },
	core.SchemeGroupVersion.WithKind("ServiceAccount"):        func() runtime.Object { return new(core.ServiceAccount) },
	apps.SchemeGroupVersion.WithKind("Deployment"):            func() runtime.Object { return new(apps.Deployment) },
	policy.SchemeGroupVersion.WithKind("PodDisruptionBudget"): func() runtime.Object { return new(policy.PodDisruptionBudget) },
	networking.SchemeGroupVersion.WithKind("NetworkPolicy"):   func() runtime.Object { return new(networking.NetworkPolicy) },
	networking.SchemeGroupVersion.WithKind("Ingress"):         func() runtime.Object { return new(networking.Ingress) },
	monitoring.SchemeGroupVersion.WithKind("PodMonitor"):      func() runtime.Object { return new(monitoring.PodMonitor) },
	monitoring.SchemeGroupVersion.WithKind("PrometheusRule"):  func() runtime.Object { return new(monitoring.PrometheusRule) },
	keda.SchemeGroupVersion.WithKind("ScaledObject"):          func() runtime.Object { return new(keda.ScaledObject) },
}

// decode reads each document into its type, and fails the test for a field that the type does not have.
func decode(t *testing.T, text string) []runtime.Object {
	t.Helper()
	var all []runtime.Object
	for part := range strings.SplitSeq(text, "\n---\n") {
		var kind struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal([]byte(part), &kind); err != nil {
			t.Fatalf("%v in\n%s", err, part)
		}
		if kind.Kind == "" { // a comment before the first one
			continue
		}
		blank := known[schema.FromAPIVersionAndKind(kind.APIVersion, kind.Kind)]
		if blank == nil {
			t.Fatalf("%s %s is no kind that the test knows, in\n%s", kind.APIVersion, kind.Kind, part)
		}
		object := blank()
		if err := yaml.UnmarshalStrict([]byte(part), object); err != nil {
			t.Fatalf("%s: %v in\n%s", kind.Kind, err, part)
		}
		all = append(all, object)
	}
	return all
}

func deployment(object runtime.Object) (*apps.Deployment, bool) {
	d, ok := object.(*apps.Deployment)
	return d, ok
}
