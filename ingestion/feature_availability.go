package ingestion

import (
	"time"

	"github.com/shopspring/decimal"
)

// FeatureAvailability is in which markets, for whom and at what price a plan is
// sold. Of Business Central offers the product itself has one.
type FeatureAvailability struct {
	Object

	// Visibility is [VisibilityPublic], or [VisibilityPrivate] for a plan with an audience.
	Visibility Visibility `json:"visibility,omitzero"`
	// MarketStates says for every market whether the plan is sold there. It comes,
	// and is updated, with [ExpandMarketStates] only.
	MarketStates []MarketState `json:"marketStates,omitzero"`
	// Properties holds further pairs.
	Properties []TypeValue `json:"properties,omitzero"`
	// Trial comes, and is updated, with [ExpandTrial] only.
	Trial *Trial `json:"trial,omitzero"`
	// TenantAudiences are the tenants that see a private plan.
	TenantAudiences []AudienceMember `json:"tenantAudiences,omitzero"`
	// SubscriptionAudiences are the subscriptions that see a private plan.
	SubscriptionAudiences []AudienceMember `json:"subscriptionAudiences,omitzero"`
	// PriceSchedules come, and are updated, with [ExpandPriceSchedules] only.
	PriceSchedules []PriceScheduleInfo `json:"priceSchedules,omitzero"`
	// CustomMeters are the units of metered billing.
	CustomMeters []CustomMeter `json:"customMeters,omitzero"`
	// IsHidden keeps the plan out of sight of everybody without its link.
	IsHidden bool `json:"isHidden,omitzero"`
}

func (FeatureAvailability) resourceType() string { return "FeatureAvailability" }

// MarketState says whether something is sold in a market.
type MarketState struct {
	Object

	// MarketCode is the ISO 3166 code of a country, for example "US".
	MarketCode string `json:"marketCode"`
	// State says whether it is sold there.
	State MarketStateValue `json:"state"`
}

// MarketStateValue says whether something is sold. More values may appear.
type MarketStateValue string

// States of a market.
const (
	// MarketDisabled: not sold.
	MarketDisabled MarketStateValue = "Disabled"
	// MarketEnabled: sold.
	MarketEnabled MarketStateValue = "Enabled"
	// MarketStopSelling: not sold to new customers.
	MarketStopSelling MarketStateValue = "StopSelling"
	// MarketTerminated: no longer sold nor served.
	MarketTerminated MarketStateValue = "Terminated"
)

// Trial is a trial period.
type Trial struct {
	Object

	// Type is the kind of trial.
	Type TrialType `json:"type,omitzero"`
	// DurationType is the unit of Duration.
	DurationType TrialDuration `json:"durationType,omitzero"`
	// Duration is the length of the trial in that unit.
	Duration int `json:"duration,omitzero"`
	// DateTimeRange is when the trial is offered.
	DateTimeRange *DateTimeRange `json:"dateTimeRange,omitzero"`
}

// TrialType is a kind of trial. More kinds may appear.
type TrialType string

// Kinds of trials.
const (
	// NoTrial: none.
	NoTrial TrialType = "NoTrial"
	// TimedAccess ends a time after it began.
	TimedAccess TrialType = "TimedAccess"
	// TimedUsage ends after a time of use.
	TimedUsage TrialType = "TimedUsage"
	// UnlimitedTrial does not end.
	UnlimitedTrial TrialType = "Unlimited"
)

// TrialDuration is the unit of a trial's length. More units may appear.
type TrialDuration string

// Units of a trial's length.
const (
	// TrialMinutes counts minutes.
	TrialMinutes TrialDuration = "Minute"
	// TrialDays counts days.
	TrialDays TrialDuration = "Days"
	// TrialMonths counts months.
	TrialMonths TrialDuration = "Months"
)

// DateTimeRange is a span of time.
type DateTimeRange struct {
	Object

	// StartAt is when it begins.
	StartAt *LocalizedTime `json:"startAt,omitzero"`
	// EndAt is when it ends.
	EndAt *LocalizedTime `json:"endAt,omitzero"`
}

// LocalizedTime is an instant, or the same time of day in every market.
type LocalizedTime struct {
	Object

	// LocalizePerMarket takes the time as that of each market.
	LocalizePerMarket bool `json:"localizePerMarket,omitzero"`
	// Time is the time in UTC.
	Time time.Time `json:"dateTimeInUtc,omitzero"`
}

// PriceScheduleInfo is the prices of some markets.
type PriceScheduleInfo struct {
	Object

	// IsBaseSchedule marks the prices of all markets that have none of their own.
	IsBaseSchedule bool `json:"isBaseSchedule"`
	// MarketCodes are the markets.
	MarketCodes []string `json:"marketCodes,omitzero"`
	// FriendlyName is a name for the publisher.
	FriendlyName string `json:"friendlyName,omitzero"`
	// Schedules are the prices.
	Schedules []PriceSchedule `json:"schedules,omitzero"`
}

// PriceSchedule is a price and how it is charged.
type PriceSchedule struct {
	Object

	// RetailPrice is the price.
	RetailPrice *Price `json:"retailPrice,omitzero"`
	// PriceCadence is how often it is charged.
	PriceCadence *PriceCadence `json:"priceCadence,omitzero"`
	// PricingModel is what it is charged for.
	PricingModel PricingModel `json:"pricingModel,omitzero"`
	// PricingUnits are the units that are charged.
	PricingUnits []PricingUnit `json:"pricingUnits,omitzero"`
	// DateTimeRange is when the price is valid.
	DateTimeRange *DateTimeRange `json:"dateTimeRange,omitzero"`
}

// Price is an amount of money.
type Price struct {
	Object

	// PriceTierID names a price of the service's list, in place of OpenPrice.
	PriceTierID string `json:"priceTierID,omitzero"`
	// OpenPrice is the amount; nil where a tier names it. A free plan has an
	// amount of zero, not none.
	OpenPrice *decimal.Decimal `json:"openPrice,omitzero"`
	// CurrencyCode is the ISO 4217 code, for example "USD".
	CurrencyCode string `json:"currencyCode,omitzero"`
}

// PriceCadence is how often a price is charged.
type PriceCadence struct {
	Object

	// Type is the unit of Value.
	Type Cadence `json:"type,omitzero"`
	// Value is the number of months or years between two charges.
	Value int `json:"value,omitzero"`
}

// Cadence is a unit of time. More units may appear.
type Cadence string

// Units of time.
const (
	// CadenceMonth is a month.
	CadenceMonth Cadence = "Month"
	// CadenceYear is a year.
	CadenceYear Cadence = "Year"
)

// PricingModel is what a price is charged for. More models may appear.
type PricingModel string

// Pricing models.
const (
	// PricingFlat is one price.
	PricingFlat PricingModel = "Flat"
	// PricingRecurring is a price for every period.
	PricingRecurring PricingModel = "Recurring"
	// PricingUsage is a price for what is used.
	PricingUsage PricingModel = "Usage"
)

// PricingUnit is a unit that is charged.
type PricingUnit struct {
	Object

	// Name is the unit.
	Name PricingUnitName `json:"name,omitzero"`
	// UnitType says more about the unit.
	UnitType string `json:"unitType,omitzero"`
	// IsUnlimitedUnit removes the upper bound.
	IsUnlimitedUnit bool `json:"isUnlimitedUnit,omitzero"`
	// LowerUnit is the least number of units.
	LowerUnit int `json:"lowerUnit,omitzero"`
	// UpperUnit is the greatest number of units.
	UpperUnit int `json:"upperUnit,omitzero"`
}

// PricingUnitName is a unit that can be charged. More units may appear.
type PricingUnitName string

// Units that can be charged.
const (
	// UnitSharedCore is a shared processor core.
	UnitSharedCore PricingUnitName = "sharedcore"
	// UnitTransactions is a number of transactions.
	UnitTransactions PricingUnitName = "transactions"
)

// CustomMeter is a unit of metered billing.
type CustomMeter struct {
	Object

	// IsEnabled turns the meter on.
	IsEnabled bool `json:"isEnabled"`
	// ID is the publisher's id of the meter, as used in usage events.
	ID string `json:"ID,omitzero"`
	// UniqueID is the service's id of the meter.
	UniqueID string `json:"uniqueID,omitzero"`
	// DisplayName is the meter's name.
	DisplayName string `json:"displayName,omitzero"`
	// UnitOfMeasure is what is counted.
	UnitOfMeasure string `json:"unitOfMeasure,omitzero"`
	// PriceInUSD is the price of one unit in US dollars.
	PriceInUSD *decimal.Decimal `json:"priceInUsd,omitzero"`
	// IncludedBaseQuantities are the units that are free.
	IncludedBaseQuantities []IncludedBaseQuantity `json:"includedBaseQuantities,omitzero"`
}

// IncludedBaseQuantity is a number of units that a plan includes.
type IncludedBaseQuantity struct {
	Object

	// RecurringUnit is the period, for example "Month".
	RecurringUnit string `json:"recurringUnit,omitzero"`
	// IsInfinite includes any number of units.
	IsInfinite bool `json:"isInfinite,omitzero"`
	// Quantity is the number of units.
	Quantity *decimal.Decimal `json:"quantity,omitzero"`
}

// FeatureAvailabilities is the collection of the availabilities of plans.
//
//pc:operation GET /products/{productID}/featureAvailabilities/getByInstanceID(instanceID={instanceID})
//pc:operation GET /products/{productID}/featureavailabilities/{featureAvailabilityID}
//pc:operation PUT /products/{productID}/featureavailabilities/{featureAvailabilityID}
type FeatureAvailabilities struct {
	Updater[FeatureAvailability]
	Drafts[*Resource[FeatureAvailability]]
}

// FeatureAvailabilities returns markets, prices and audiences of the product's
// plans. The draft belongs to [ModuleAvailability] of a plan.
//
// Without arguments everything is read and updated. With arguments only the named
// fields are, besides those that always come; [ExpandNothing] leaves all three out.
// The choice holds for reading and writing alike, so that no field can be erased by
// reading without it.
func (p ProductScope) FeatureAvailabilities(expand ...Expand) FeatureAvailabilities {
	if len(expand) == 0 {
		expand = []Expand{ExpandMarketStates, ExpandTrial, ExpandPriceSchedules}
	}
	u := updater[FeatureAvailability](p.at("featureavailabilities", expand...), true)
	u.expandPut = true
	return FeatureAvailabilities{
		u,
		drafts[*Resource[FeatureAvailability]](p, "featureAvailabilities", expand...),
	}
}
