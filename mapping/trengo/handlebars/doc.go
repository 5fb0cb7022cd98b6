// Package handlebars renders Handlebars templates over the values of an event.
//
// It is the part of the language (https://handlebarsjs.com/guide/) that a line of text
// needs: paths, literals, comments, whitespace control, sections, the built-in
// helpers if, unless, each, with, lookup and log, block parameters, data variables
// and raw blocks. Partials and decorators are refused, and so is every call of a helper
// that does not exist: a template that parses can be rendered.
//
// It differs from Handlebars where a plain text differs from a page: nothing is
// escaped for HTML, numbers print by their literal, lists and objects as JSON.
//
// The libraries for Go did not fit: they read values by reflection, which calls
// methods and loses literals and order, keep helpers in a global table, find a
// missing partial or helper only while rendering, and misread paths like items.0.name.
package handlebars
