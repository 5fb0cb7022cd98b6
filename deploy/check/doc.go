// Package check tests what lies in deploy: the Helm chart, and the plain manifests that are rendered
// from it. It is a module of its own, so that Helm and the types of Kubernetes are no dependencies of
// deskstream: make deploy-check.
package check
