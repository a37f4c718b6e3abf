// Command cel-cost prints what the CEL rules of CustomResourceDefinitions may
// cost at most, as the API server estimates it when it accepts or refuses a
// CRD, and fails when they come close to what it allows.
//
//	cel-cost crds/*.yaml
//
// The API server has two limits, both on the estimate of the worst object the
// schema allows: one for each rule and one for all rules of a version. Adding a
// field, or raising a maxItems, can push a CRD that works over either, and the
// user learns that when installing it. So this tool stops at half of both.
package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"sort"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"sigs.k8s.io/yaml"
)

const (
	ruleLimit = validation.StaticEstimatedCostLimit
	crdLimit  = validation.StaticEstimatedCRDCostLimit
	// The part of either limit that a CRD may use, in percent.
	allowed = 50
	shown   = 3
)

// expression is a rule or a messageExpression and its worst cost.
type expression struct {
	path *field.Path
	text string
	cost uint64
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: cel-cost CRD.yaml...")
		os.Exit(2)
	}
	problems := []string{}
	for _, file := range os.Args[1:] {
		found, err := checkFile(file)
		if err != nil {
			found = append(found, err.Error())
		}
		for _, problem := range found {
			problems = append(problems, fmt.Sprintf("%s: %s", file, problem))
		}
	}
	for _, problem := range problems {
		fmt.Fprintln(os.Stderr, "error: "+problem)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

// checkFile prints the cost of each CRD of a file and returns what is wrong.
func checkFile(file string) (problems []string, err error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	install.Install(scheme)
	crds := 0
	for documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content))); ; {
		document, err := documents.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return problems, err
		}
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		versioned := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(document, versioned); err != nil {
			return problems, err
		}
		if versioned.Kind != "CustomResourceDefinition" {
			return problems, fmt.Errorf("holds a %q, not a CustomResourceDefinition", versioned.Kind)
		}
		crds++
		scheme.Default(versioned)
		crd := &apiextensions.CustomResourceDefinition{}
		if err := scheme.Convert(versioned, crd, nil); err != nil {
			return problems, err
		}
		// The API server fills this in before it validates.
		for _, version := range crd.Spec.Versions {
			if version.Storage {
				crd.Status.StoredVersions = []string{version.Name}
			}
		}
		for _, refusal := range validation.ValidateCustomResourceDefinition(context.Background(), crd) {
			problems = append(problems, "the API server would refuse it: "+refusal.Error())
		}
		problems = append(problems, checkCosts(crd)...)
	}
	if crds == 0 {
		return problems, fmt.Errorf("holds no CustomResourceDefinition")
	}
	return problems, nil
}

// checkCosts prints the costs of each version of a CRD.
func checkCosts(crd *apiextensions.CustomResourceDefinition) (problems []string) {
	for _, version := range crd.Spec.Versions {
		name := crd.Name + " " + version.Name
		schema := crd.Spec.Validation // the internal type keeps a schema that all versions share here
		if version.Schema != nil {
			schema = version.Schema
		}
		if schema == nil || schema.OpenAPIV3Schema == nil {
			continue // refused above
		}
		costs, err := walk(schema.OpenAPIV3Schema, nil, validation.RootCELContext(schema.OpenAPIV3Schema))
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", name, err))
			continue
		}
		total := uint64(0)
		for _, c := range costs {
			total = add(total, c.cost)
		}
		sort.Slice(costs, func(i, j int) bool {
			a, b := costs[i], costs[j]
			return a.cost > b.cost || a.cost == b.cost && a.path.String() < b.path.String()
		})
		fmt.Printf("%s: %s of the limit for a CRD, in %d expressions\n", name, percent(total, crdLimit), len(costs))
		for i, c := range costs {
			if i < shown {
				fmt.Printf("  %s of the limit for a rule: %s: %s\n", percent(c.cost, ruleLimit), c.path, shorten(c.text))
			}
			if tooMuch(c.cost, ruleLimit) {
				problems = append(problems, fmt.Sprintf("%s: %s costs %s of the limit for a rule, more than %d %%: %s",
					name, c.path, percent(c.cost, ruleLimit), allowed, shorten(c.text)))
			}
		}
		if tooMuch(total, crdLimit) {
			problems = append(problems, fmt.Sprintf("%s: all rules together cost %s of the limit for a CRD, more than %d %%",
				name, percent(total, crdLimit), allowed))
		}
	}
	return problems
}

// walk visits a schema as the API server's validation of CRDs does, with the
// same contexts, which know how often a node can occur.
func walk(schema *apiextensions.JSONSchemaProps, path *field.Path, at *validation.CELSchemaContext) (costs []expression, err error) {
	visit := func(child *apiextensions.JSONSchemaProps, path *field.Path, at *validation.CELSchemaContext) {
		if child != nil && err == nil {
			var found []expression
			found, err = walk(child, path, at)
			costs = append(costs, found...)
		}
	}
	for name := range schema.Properties {
		child := schema.Properties[name]
		visit(&child, path.Child(name), at.ChildPropertyContext(&child, name))
	}
	if schema.AdditionalProperties != nil {
		child := schema.AdditionalProperties.Schema
		visit(child, path.Key("*"), at.ChildAdditionalPropertiesContext(child))
	}
	if schema.Items != nil {
		child := schema.Items.Schema
		visit(child, path.Key("*"), at.ChildItemsContext(child))
	}
	if len(schema.XValidations) == 0 || err != nil {
		return costs, err
	}
	info, err := at.TypeInfo()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	base := environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion())
	results, err := cel.Compile(info.Schema, info.DeclType, celconfig.PerCallLimit, base, cel.NewExpressionsEnvLoader())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i, result := range results {
		occurs := result.MaxCardinality // as often as fits into a request, where a list has no maxItems
		if at.MaxCardinality != nil {
			occurs = *at.MaxCardinality
		}
		rule := schema.XValidations[i]
		where := path.Child("x-kubernetes-validations").Index(i)
		costs = append(costs, expression{where.Child("rule"), rule.Rule, multiply(result.MaxCost, occurs)})
		if result.MessageExpression != nil { // evaluated once, for the rule that failed
			costs = append(costs, expression{where.Child("messageExpression"), rule.MessageExpression, result.MessageExpressionMaxCost})
		}
	}
	return costs, nil
}

func add(a, b uint64) uint64 {
	if math.MaxUint64-a < b {
		return math.MaxUint64
	}
	return a + b
}

func multiply(a, b uint64) uint64 {
	if a != 0 && math.MaxUint64/a < b {
		return math.MaxUint64
	}
	return a * b
}

func tooMuch(cost, limit uint64) bool { return float64(cost) > float64(limit)*allowed/100 }

func percent(cost, limit uint64) string {
	if part := float64(cost) * 100 / float64(limit); part < 1000 {
		return fmt.Sprintf("%.1f %%", part)
	}
	return "more than 1000 %"
}

func shorten(text string) string {
	text = string(bytes.Join(bytes.Fields([]byte(text)), []byte(" ")))
	if letters := []rune(text); len(letters) > 120 {
		return string(letters[:119]) + "…"
	}
	return text
}
