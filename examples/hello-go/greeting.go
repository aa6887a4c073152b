package main

import "golang.org/x/text/language"

// greeting is a text in one language.
type greeting struct {
	language language.Tag
	text     string
}

// greetings starts with the one for everybody else.
var greetings = []greeting{
	{language.English, "Hello"},
	{language.Dutch, "Hallo"},
	{language.German, "Guten Tag"},
	{language.French, "Bonjour"},
	{language.Turkish, "Merhaba"},
	{language.Japanese, "こんにちは"},
}

var matcher = func() language.Matcher {
	tags := make([]language.Tag, len(greetings))
	for i, g := range greetings {
		tags[i] = g.language
	}
	return language.NewMatcher(tags)
}()

// greetingFor picks the greeting that suits an Accept-Language header best.
func greetingFor(acceptLanguage string) greeting {
	_, i := language.MatchStrings(matcher, acceptLanguage)
	return greetings[i]
}
