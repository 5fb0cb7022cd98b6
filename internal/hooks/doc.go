// Package hooks compares the registrations of webhooks at the help desks with what the
// configuration wants, and makes what is missing. It removes none, and touches none that has another
// address than the configuration's. Secrets go to webhooks.secrets_file and nowhere else.
package hooks
