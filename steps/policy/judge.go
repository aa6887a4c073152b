package policy

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// judge is one ValidatingPolicy, compiled.
type judge struct {
	name        string
	denies      bool
	match       constraints
	conditions  []cel.Program
	variables   []variable
	validations []validation
}

type variable struct {
	name string
	cel.Program
}

type validation struct {
	expression, message cel.Program // message may be nil
	text                string
}

// validatingPolicy has every field that the evaluation here knows. Another one
// makes the policy one for the cluster: it is not ignored.
type validatingPolicy struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       struct {
		MatchConstraints  constraints  `json:"matchConstraints"`
		MatchConditions   []expression `json:"matchConditions"`
		Variables         []expression `json:"variables"`
		ValidationActions []string     `json:"validationActions"`
		FailurePolicy     string       `json:"failurePolicy"`

		Validations []struct {
			Expression        string `json:"expression"`
			Message           string `json:"message"`
			MessageExpression string `json:"messageExpression"`
			Reason            string `json:"reason"`
		} `json:"validations"`
	} `json:"spec"`
}

type expression struct {
	Name       string `json:"name"`
	Expression string `json:"expression"`
}

func newJudge(document *unstructured.Unstructured) (*judge, error) {
	data, err := document.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var p validatingPolicy
	if err := yaml.UnmarshalStrict(data, &p); err != nil {
		return nil, err
	}
	env, err := environment()
	if err != nil {
		return nil, err
	}
	c := compiler{env: env}
	j := &judge{
		name: document.GetName(), match: p.Spec.MatchConstraints,
		denies: len(p.Spec.ValidationActions) == 0 || slices.Contains(p.Spec.ValidationActions, "Deny"),
	}
	for _, e := range p.Spec.MatchConditions {
		j.conditions = append(j.conditions, c.compile(e.Expression))
	}
	for _, e := range p.Spec.Variables {
		j.variables = append(j.variables, variable{e.Name, c.compile(e.Expression)})
	}
	for _, v := range p.Spec.Validations {
		compiled := validation{expression: c.compile(v.Expression), text: v.Message}
		if v.MessageExpression != "" {
			compiled.message = c.compile(v.MessageExpression)
		}
		j.validations = append(j.validations, compiled)
	}
	return j, c.err
}

// compiler keeps the first error.
type compiler struct {
	env *cel.Env
	err error
}

func (c *compiler) compile(text string) cel.Program {
	if c.err != nil {
		return nil
	}
	ast, issues := c.env.Compile(text)
	if c.err = issues.Err(); c.err != nil {
		return nil
	}
	var program cel.Program
	program, c.err = c.env.Program(ast, cel.InterruptCheckFrequency(100))
	return program
}

// environment is the part of Kyverno's CEL environment that needs neither a
// cluster nor a registry.
func environment() (*cel.Env, error) {
	return cel.NewEnv(
		cel.Variable("object", cel.DynType),
		cel.Variable("oldObject", cel.DynType),
		cel.Variable("request", cel.DynType),
		cel.Variable("namespaceObject", cel.DynType),
		cel.Variable("variables", cel.MapType(cel.StringType, cel.DynType)),
		cel.OptionalTypes(),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		ext.Strings(ext.StringsVersion(2)),
		ext.Sets(),
		cel.Function("time.now", cel.Overload("time_now", nil, cel.TimestampType, cel.FunctionBinding(func(...ref.Val) ref.Val {
			return types.Timestamp{Time: time.Now()}
		}))),
	)
}

// messages says what is against creating object, nothing if nothing is. What
// cannot be evaluated is against it, too.
func (j *judge) messages(ctx context.Context, object *unstructured.Unstructured, namespace labels.Set) []string {
	matches, err := j.match.match(object, namespace)
	if err != nil {
		return failed(err)
	}
	if !matches {
		return nil
	}
	kind := object.GroupVersionKind()
	values := map[string]any{}
	input := map[string]any{
		"object": object.Object, "oldObject": nil, "variables": values,
		"request": map[string]any{
			"operation": "CREATE", "name": object.GetName(), "namespace": object.GetNamespace(), "userInfo": map[string]any{},
			"kind": map[string]any{"group": kind.Group, "version": kind.Version, "kind": kind.Kind},
		},
		"namespaceObject": map[string]any{"metadata": map[string]any{"name": object.GetNamespace(), "labels": map[string]string(namespace)}},
	}
	for _, condition := range j.conditions {
		if holds, err := evaluate[bool](ctx, condition, input); err != nil {
			return failed(err)
		} else if !holds {
			return nil
		}
	}
	for _, v := range j.variables {
		out, _, err := v.ContextEval(ctx, input)
		if err != nil {
			return failed(err)
		}
		values[v.name] = out
	}
	for _, v := range j.validations {
		if holds, err := evaluate[bool](ctx, v.expression, input); err != nil {
			return failed(err)
		} else if !holds {
			return []string{v.say(ctx, input)} // Kyverno stops here too
		}
	}
	return nil
}

// failed is how Kyverno reports it.
func failed(err error) []string { return []string{"error: " + err.Error()} }

func (v validation) say(ctx context.Context, input map[string]any) string {
	if v.message != nil {
		if text, err := evaluate[string](ctx, v.message, input); err == nil {
			return text
		}
	}
	return v.text
}

func evaluate[T any](ctx context.Context, p cel.Program, input map[string]any) (T, error) {
	var none T
	out, _, err := p.ContextEval(ctx, input)
	if err != nil {
		return none, err
	}
	value, ok := out.Value().(T)
	if !ok {
		return none, errors.New("an expression gives " + out.Type().TypeName())
	}
	return value, nil
}
