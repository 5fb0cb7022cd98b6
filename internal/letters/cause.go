package letters

import (
	"strings"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
)

// readError reads the error of the last round. What a wrapper says ("failed to
// deserialize") is the same for all that goes wrong, so the text of the exception behind
// it is added where the message does not have it.
func (l *Letter) readError(headers []kgo.RecordHeader, n *names) {
	l.Code = text(n.latest(headers, n.class))
	if class := text(n.latest(headers, n.cause)); class != "" {
		l.Code = class
	}
	l.Message = text(n.latest(headers, n.message))
	root := rootOf(text(n.latest(headers, n.stacktrace)))
	if n.dialect == SmallRye {
		root = smallRyeRoot(headers, n)
	}
	if root == (exception{}) {
		return
	}
	if springMessaging[l.Code] {
		l.Code = root.class
	}
	l.Message = withRoot(l.Message, root)
}

// springMessaging are the wrappers of Spring Integration, which Spring Cloud Stream names
// as the exception of each of its letters.
var springMessaging = map[string]bool{
	"org.springframework.messaging.MessagingException":         true,
	"org.springframework.messaging.MessageHandlingException":   true,
	"org.springframework.messaging.MessageDeliveryException":   true,
	"org.springframework.integration.MessageRejectedException": true,
}

// exception is what a stack trace of Java says in the line of an exception.
type exception struct{ class, message string }

// causedBy begins the line of each exception that another one wraps. Those of suppressed
// exceptions are indented.
const causedBy = "\nCaused by: "

// rootOf is the last cause that a stack trace names, the zero exception for none.
func rootOf(trace string) exception {
	at := strings.LastIndex(trace, causedBy)
	if at < 0 {
		return exception{}
	}
	line, _, _ := strings.Cut(trace[at+len(causedBy):], "\n")
	class, message, _ := strings.Cut(strings.TrimSpace(line), ": ")
	if class == "" || strings.ContainsAny(class, " []") { // a line that was cut, or that says that the causes are a ring
		return exception{}
	}
	return exception{class: strings.TrimSuffix(class, ":"), message: shortened(strings.TrimSpace(message))}
}

// smallRyeRoot is the cause that SmallRye names in headers of its own, or, where it could
// not deserialise the record, the reason of that.
func smallRyeRoot(headers []kgo.RecordHeader, n *names) exception {
	root := exception{
		class:   text(n.latest(headers, []string{"dead-letter-cause-class-name"})),
		message: shortened(text(n.latest(headers, []string{"dead-letter-cause"}))),
	}
	if root == (exception{}) {
		root.message = shortened(text(n.latest(headers, []string{"deserialization-failure-reason"})))
	}
	return root
}

// maxRoot is how many bytes of a cause's text are taken over.
const maxRoot = 500

func shortened(message string) string {
	if len(message) <= maxRoot {
		return message
	}
	cut := maxRoot
	for !utf8.RuneStart(message[cut]) {
		cut--
	}
	return message[:cut] + "..."
}

// withRoot is a message that names the cause.
func withRoot(message string, root exception) string {
	said := root.message
	if said == "" {
		said = root.class
	}
	if strings.Contains(message, strings.TrimSuffix(said, "...")) {
		return message
	}
	cause := root.class
	if root.message != "" {
		cause = strings.TrimPrefix(cause+": "+root.message, ": ")
	}
	message = strings.TrimRight(message, " :")
	if message == "" {
		return cause
	}
	return message + ": " + cause
}
