// Package browsertest holds the tests of the console in a real browser: make browser runs them.
// They build deskstream, start it beside a broker in the test's process and stub help desks, and
// drive a headless Chromium that browser.sh finds or brings.
//
// It is a module of its own, so that what drives the browser is no dependency of deskstream, and its
// tests need the build tag browser.
package browsertest
