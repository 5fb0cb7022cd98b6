// Package template renders Handlebars templates over the values of an event.
//
// # Language
//
// It is the part of Handlebars (https://handlebarsjs.com/guide/) that lines of text need.
// Everything else is text.
//
//	{{a.b.c}} {{a/b/c}}                 the value at a path; what is missing prints as nothing
//	{{list.0.name}} {{list.[0]}}        an element of a list; a number at the end needs brackets
//	{{list.length}} {{text.length}}     how long a list or a text is (in UTF-16 units)
//	{{[Order Total]}}                   a name with blanks or other special characters
//	{{this}} {{.}} {{./name}}           the current value, and its member, never a helper
//	{{../name}}                         a name in the value outside the current section
//	{{{a}}} {{&a}}                      the same as {{a}}
//	{{"a b"}} {{12}} {{true}}           the member of that name
//	{{#if a}}..{{else}}..{{/if}}        a branch; also {{else if b}}, and {{^}} for {{else}}
//	{{#unless a}}..{{/unless}}          the opposite
//	{{#each a}}..{{else}}..{{/each}}    for each element or member, or else if there is none
//	{{#with a}}..{{else}}..{{/with}}    a as the current value, or else if there is none
//	{{#a}}..{{/a}} {{^a}}..{{/a}}       each for a list, if for true, with for a value; the opposite
//	{{lookup a b}} (lookup a b)         the member of a that the value of b names
//	{{@index}} {{@key}} {{@first}} {{@last}}    inside each; {{@../index}} of the loop outside
//	{{@root.a}}                         a path from the outermost value
//	{{#each a as |value key|}}          names for value and key; also {{#with a as |value|}}
//	{{! ..}} {{!-- .. --}}              a comment
//	{{~a~}}                             without the blanks on that side
//	\{{a}}                              the text {{a}}
//	{{{{a}}}}..{{{{/a}}}}               a section whose content is not parsed
//	{{log a}}                           nothing
//
// In an if, absent, null, false, 0, "" and the empty list are false. With includeZero=true
// the number 0 is true. A section tag or comment that is alone on its line removes the line.
// Partials, decorators and other helpers are refused when a template is parsed: a template
// that parses can be rendered over any value.
//
// # Differences from Handlebars
//
// The output is plain text and not a page: nothing is escaped for HTML, numbers print as
// the event writes them, lists and objects print as JSON. Only a value's own members are
// found, so {{constructor}} is an ordinary name.
//
// # Limits
//
// A template has at most [MaxTemplate] bytes and 50 levels of nested sections or calls. A
// rendering has a fixed number of steps, which [ErrTooMuchWork] ends, and its output is cut
// at the caller's limit. The same template over the same value always gives the same text.
//
// # No library
//
// The Handlebars libraries for Go read values by reflection, which calls methods and loses
// literals and the order of members. They keep helpers in a global table, find a missing
// partial or helper only while rendering, misread paths like items.0.name, and are no
// longer maintained.
package template
