package ingestion

// Category is a category of Azure applications. More categories may appear.
type Category string

// Categories of Azure applications.
const (
	// CategoryAnalytics is analytics.
	CategoryAnalytics Category = "analytics-azure-apps"
	// CategoryAI is AI and machine learning.
	CategoryAI Category = "ai-plus-machine-learning"
	// CategoryCompute is compute.
	CategoryCompute Category = "compute-azure-apps"
	// CategoryBlockchain is blockchain.
	CategoryBlockchain Category = "blockchain"
	// CategoryContainers is containers.
	CategoryContainers Category = "containers"
	// CategoryDatabase is databases.
	CategoryDatabase Category = "database"
	// CategoryDeveloperTools is developer tools.
	CategoryDeveloperTools Category = "developer-tools-azure-apps"
	// CategoryDevOps is DevOps.
	CategoryDevOps Category = "devops"
	// CategoryIdentity is identity.
	CategoryIdentity Category = "identity"
	// CategoryIntegration is integration.
	CategoryIntegration Category = "integration"
	// CategoryIoT is the Internet of Things.
	CategoryIoT Category = "internet-of-things-azure-apps"
	// CategoryManagementTools is IT and management tools.
	CategoryManagementTools Category = "it-and-management-tools"
	// CategoryMedia is media.
	CategoryMedia Category = "media"
	// CategoryMigration is migration.
	CategoryMigration Category = "migration"
	// CategoryMixedReality is mixed reality.
	CategoryMixedReality Category = "mixed-reality"
	// CategoryMonitoring is monitoring and diagnostics.
	CategoryMonitoring Category = "monitoring-and-diagnostics"
	// CategoryNetworking is networking.
	CategoryNetworking Category = "networking"
	// CategorySecurity is security.
	CategorySecurity Category = "security"
	// CategoryStorage is storage.
	CategoryStorage Category = "storage-azure-apps"
	// CategoryWeb is the web.
	CategoryWeb Category = "web"
)

// Subcategories lists the subcategories that are known of a category, spelled as
// the service spells them, mistakes included; nil for unknown categories. More may
// appear.
func (c Category) Subcategories() []string {
	switch c {
	case CategoryAnalytics:
		return []string{"big-data", "data-analytics", "data-insights", "predictive-analytics", "real-time-streaming-analytics", "other-analytics"}
	case CategoryAI:
		return []string{"automated-ml", "bot-services", "business-robotic-process-automation", "cognitive-services", "data-labeling", "data-preparation", "knowledge-mining", "ml-operations", "ml-service", "other"}
	case CategoryCompute:
		return []string{"application-infrastructure", "cache", "operating-systems", "other-compute"}
	case CategoryBlockchain:
		return []string{"app-accelerators", "multi-node-ledger", "single-node-leder", "tools", "other"}
	case CategoryContainers:
		return []string{"container-apps", "container-images", "get-started-with-containers", "other"}
	case CategoryDatabase:
		return []string{"data-lakes", "data-warehouse", "ledger-blockchain-databases", "nosql-databases", "relational-databases", "other-databases"}
	case CategoryDeveloperTools:
		return []string{"developer-service", "scripts", "tools-developer-tools", "other-developer-tools"}
	case CategoryDevOps:
		return []string{"other"}
	case CategoryIdentity:
		return []string{"access-management", "other"}
	case CategoryIntegration:
		return []string{"messaging", "other"}
	case CategoryIoT:
		return []string{"iot-analytics-and-data", "iot-connectivity", "iot-edge-modules", "iot-and-iiot-platforms", "iot-security", "iot-solutions", "other-azure-apps"}
	case CategoryManagementTools:
		return []string{"business-applications", "management-solutions", "other"}
	case CategoryMedia:
		return []string{"content-protection", "live-and-on-demand-streaming", "media-services", "other"}
	case CategoryMigration:
		return []string{"data-migration", "other"}
	case CategoryMixedReality:
		return []string{"other"}
	case CategoryMonitoring:
		return []string{"other"}
	case CategoryNetworking:
		return []string{"appliance-managers", "connectivity", "firewalls", "load-balancers", "other"}
	case CategorySecurity:
		return []string{"identity-and-access-management", "information-protection", "threat-protection", "other"}
	case CategoryStorage:
		return []string{"backup-and-recovery", "data-ingest-slash-etl", "data-management", "enterprise-hybrid-storage", "block-file-and-object-sharing", "other-storage"}
	case CategoryWeb:
		return []string{"blogs-and-cms", "ecommerce", "smarter-web-apps", "web-apps", "web-apps-framework", "other"}
	default:
		return nil
	}
}
