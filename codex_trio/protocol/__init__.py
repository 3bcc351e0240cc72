"""The app-server's wire protocol as types. Made by `_generate.py` from codex 0.171.0; do not edit."""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, TypeAlias, TypedDict

VERSION: Final = "0.171.0"
"""The codex that these types were made from."""

RequestMethod: TypeAlias = Literal[
    "initialize",
    "server/diagnostics",
    "userVerification/status",
    "userVerification/enroll",
    "userVerification/delete",
    "userVerification/verify",
    "userVerification/cancel",
    "thread/start",
    "thread/resume",
    "thread/fork",
    "thread/sample",
    "thread/sample/cancel",
    "thread/archive",
    "thread/delete",
    "thread/unsubscribe",
    "thread/increment_elicitation",
    "thread/decrement_elicitation",
    "thread/name/set",
    "thread/prediction/request",
    "thread/goal/set",
    "thread/goal/get",
    "thread/goal/clear",
    "thread/queue/add",
    "thread/queue/list",
    "thread/queue/update",
    "thread/queue/delete",
    "thread/queue/reorder",
    "thread/queue/start",
    "thread/metadata/update",
    "thread/attachment/add",
    "thread/attachment/list",
    "thread/attachmentOwner/list",
    "thread/attachment/remove",
    "thread/section/move",
    "thread/settings/update",
    "thread/memoryMode/set",
    "thread/memory/read",
    "memory/status",
    "memory/reset",
    "rollout/compress",
    "thread/unarchive",
    "thread/compact/start",
    "thread/shellCommand",
    "thread/approveGuardianDeniedAction",
    "thread/backgroundTerminals/clean",
    "thread/backgroundTerminals/list",
    "thread/backgroundTerminals/terminate",
    "thread/revert",
    "thread/list",
    "project/list",
    "project/read",
    "project/create",
    "project/import",
    "project/update",
    "project/move",
    "project/delete",
    "threadSection/list",
    "threadSection/create",
    "threadSection/update",
    "threadSection/delete",
    "thread/search",
    "thread/search/stream",
    "thread/search/cancel",
    "thread/search/stream/cancel",
    "thread/searchOccurrences",
    "thread/loaded/list",
    "thread/read",
    "thread/readState/update",
    "thread/turns/list",
    "thread/items/list",
    "thread/items/read",
    "thread/guardianReview",
    "thread/inject_items",
    "thread/prepareApprovedPlan",
    "skills/list",
    "skills/extraRoots/set",
    "hooks/list",
    "marketplace/add",
    "marketplace/remove",
    "marketplace/upgrade",
    "plugin/list",
    "plugin/search",
    "plugin/installed",
    "plugin/reconcile",
    "plugin/read",
    "plugin/skill/read",
    "plugin/share/save",
    "plugin/share/updateTargets",
    "plugin/share/list",
    "plugin/share/checkout",
    "plugin/share/delete",
    "app/read",
    "app/list",
    "app/installed",
    "fs/readFile",
    "fs/writeFile",
    "fs/createDirectory",
    "fs/getMetadata",
    "fs/readDirectory",
    "fs/remove",
    "fs/copy",
    "fs/watch",
    "fs/unwatch",
    "skills/config/write",
    "plugin/install",
    "plugin/uninstall",
    "turn/start",
    "turn/settings/update",
    "turn/steer",
    "turn/interrupt",
    "thread/realtime/start",
    "thread/realtime/appendAudio",
    "thread/realtime/appendText",
    "thread/realtime/appendSpeech",
    "thread/realtime/stop",
    "thread/timeline/list",
    "thread/realtime/list",
    "thread/realtime/listVoices",
    "review/start",
    "model/list",
    "account/gatewayOAuth/read",
    "account/gatewayOAuth/login",
    "account/gatewayOAuth/cancel",
    "modelProvider/list",
    "modelProvider/config/write",
    "modelProvider/default/set",
    "modelProvider/capabilities/read",
    "experimentalFeature/list",
    "permissionProfile/list",
    "experimentalFeature/enablement/set",
    "remoteControl/enable",
    "remoteControl/disable",
    "remoteControl/status/read",
    "remoteControl/pairing/start",
    "remoteControl/pairing/status",
    "remoteControl/client/list",
    "remoteControl/client/revoke",
    "collaborationMode/list",
    "mock/experimentalMethod",
    "environment/add",
    "environment/info",
    "environment/status",
    "mcpServer/oauth/login",
    "config/mcpServer/reload",
    "mcpServerStatus/list",
    "mcpServer/resource/read",
    "mcpServer/event/stream/start",
    "mcpServer/event/stream/stop",
    "mcpServer/tool/call",
    "windowsSandbox/setupStart",
    "windowsSandbox/readiness",
    "account/login/start",
    "account/bedrock/discover",
    "account/bedrock/setup",
    "account/gcp/setup",
    "account/bedrock/checkGovCloudRequirements",
    "account/login/cancel",
    "accountSession/list",
    "accountSession/switch",
    "account/logout",
    "account/securitySetup/read",
    "account/rateLimits/read",
    "account/rateLimitResetCredit/consume",
    "account/usage/read",
    "account/workspaceMessages/read",
    "account/sendAddCreditsNudgeEmail",
    "feedback/upload",
    "feedback/save",
    "command/exec",
    "command/exec/write",
    "command/exec/terminate",
    "command/exec/resize",
    "process/spawn",
    "process/writeStdin",
    "process/kill",
    "process/resizePty",
    "config/read",
    "externalAgentConfig/detect",
    "externalAgentConfig/import",
    "externalAgentConfig/import/recordHistory",
    "externalAgentConfig/import/readHistories",
    "config/value/write",
    "config/batchWrite",
    "configRequirements/read",
    "account/read",
    "fuzzyFileSearch",
    "fuzzyFileSearch/sessionStart",
    "fuzzyFileSearch/sessionUpdate",
    "fuzzyFileSearch/sessionStop",
]

AskMethod: TypeAlias = Literal[
    "item/commandExecution/requestApproval",
    "item/fileChange/requestApproval",
    "item/tool/requestUserInput",
    "mcpServer/elicitation/request",
    "item/permissions/requestApproval",
    "item/tool/call",
    "account/chatgptAuthTokens/refresh",
    "attestation/generate",
    "applyPatchApproval",
    "execCommandApproval",
]

NotificationMethod: TypeAlias = Literal[
    "error",
    "thread/started",
    "thread/status/changed",
    "thread/readState/changed",
    "thread/archived",
    "thread/deleted",
    "thread/unarchived",
    "thread/closed",
    "thread/reverted",
    "skills/changed",
    "thread/name/updated",
    "thread/section/changed",
    "thread/attachment/updated",
    "thread/goal/updated",
    "thread/prediction/updated",
    "thread/goal/cleared",
    "thread/queue/changed",
    "project/changed",
    "thread/project/updated",
    "thread/environment/connected",
    "thread/environment/disconnected",
    "thread/settings/updated",
    "thread/tokenUsage/updated",
    "turn/started",
    "hook/started",
    "turn/completed",
    "hook/completed",
    "turn/diff/updated",
    "turn/plan/updated",
    "item/started",
    "item/autoApprovalReview/started",
    "item/autoApprovalReview/completed",
    "autoApprovalReview/strictReviewRequired",
    "item/completed",
    "item/agentMessage/delta",
    "item/plan/delta",
    "command/exec/outputDelta",
    "process/outputDelta",
    "thread/search/partial",
    "process/exited",
    "item/commandExecution/outputDelta",
    "item/commandExecution/terminalInteraction",
    "item/fileChange/outputDelta",
    "item/fileChange/patchUpdated",
    "serverRequest/resolved",
    "item/mcpToolCall/progress",
    "mcpServer/oauthLogin/completed",
    "mcpServer/startupStatus/updated",
    "mcpServer/event/stream/notification",
    "account/updated",
    "account/gatewayOAuth/changed",
    "account/rateLimits/updated",
    "app/list/updated",
    "remoteControl/status/changed",
    "externalAgentConfig/import/progress",
    "externalAgentConfig/import/completed",
    "fs/changed",
    "item/reasoning/summaryTextDelta",
    "item/reasoning/summaryPartAdded",
    "item/reasoning/textDelta",
    "thread/compacted",
    "model/rerouted",
    "model/verification",
    "modelProvider/authRecoveryStarted",
    "modelProvider/authRecoveryCompleted",
    "turn/moderationMetadata",
    "model/safetyBuffering/updated",
    "warning",
    "guardianWarning",
    "deprecationNotice",
    "configWarning",
    "fuzzyFileSearch/sessionUpdated",
    "fuzzyFileSearch/sessionCompleted",
    "thread/realtime/started",
    "thread/realtime/itemAdded",
    "thread/realtime/item/started",
    "thread/realtime/item/transcript/delta",
    "thread/realtime/item/completed",
    "thread/realtime/transcript/delta",
    "thread/realtime/transcript/done",
    "thread/realtime/outputAudio/delta",
    "thread/realtime/sdp",
    "thread/realtime/error",
    "thread/realtime/closed",
    "windows/worldWritableWarning",
    "windowsSandbox/setupCompleted",
    "account/login/completed",
]

AbsolutePathBuf: TypeAlias = "str"


class ApiKeyAccount(TypedDict):
    type: Literal["apiKey"]


class ChatgptAccount(TypedDict):
    email: str | None
    planType: PlanType
    type: Literal["chatgpt"]
    workspaceName: NotRequired[str | None]


class AmazonBedrockAccount(TypedDict):
    type: Literal["amazonBedrock"]
    usesCodexManagedCredentials: NotRequired[bool]


class GcpAccount(TypedDict):
    type: Literal["gcp"]


Account: TypeAlias = "ApiKeyAccount | ChatgptAccount | AmazonBedrockAccount | GcpAccount"


class AccountLoginCompletedNotification(TypedDict):
    error: NotRequired[str | None]
    loginId: NotRequired[str | None]
    onboardingEntrypoint: NotRequired[DesktopOnboardingEntrypoint | None]
    success: bool


class AccountRateLimitsUpdatedNotification(TypedDict):
    rateLimits: RateLimitSnapshot


AccountRoutingOverride: TypeAlias = "Literal['NO_CONSTRAINT', 'us', 'us_cr']"


class AccountSecuritySetupAction(TypedDict):
    label: str
    url: str


class AccountSecuritySetupNotice(TypedDict):
    accountId: str
    action: AccountSecuritySetupAction
    description: str
    title: str
    userId: str


class AccountSession(TypedDict):
    displayName: NotRequired[str | None]
    email: NotRequired[str | None]
    imageUrl: NotRequired[str | None]
    isActive: bool
    lastUsedAt: int
    selectedWorkspaceAccountId: NotRequired[str | None]
    sessionId: str
    userId: NotRequired[str | None]
    workspaces: list[AccountSessionWorkspace]


class AccountSessionWorkspace(TypedDict):
    accountId: str
    imageUrl: NotRequired[str | None]
    kind: NotRequired[AccountSessionWorkspaceKind | None]
    name: NotRequired[str | None]


AccountSessionWorkspaceKind: TypeAlias = "Literal['personal', 'workspace']"


class AccountSessionsListParams(TypedDict):
    refreshWorkspaceMetadata: NotRequired[bool]


class AccountSessionsResponse(TypedDict):
    activeSessionId: NotRequired[str | None]
    sessions: list[AccountSession]


class AccountSessionsSwitchParams(TypedDict):
    accountId: str
    allowBrowserLogin: NotRequired[bool]
    sessionId: str


class Sessionsv2AccountSessionsSwitchResponse(TypedDict):
    activeSessionId: NotRequired[str | None]
    sessions: list[AccountSession]


class AccountSessionsSwitchResponse2(TypedDict):
    auth_url: str
    login_id: str


AccountSessionsSwitchResponse: TypeAlias = "Sessionsv2AccountSessionsSwitchResponse | AccountSessionsSwitchResponse2"


class AccountTokenUsageDailyBucket(TypedDict):
    startDate: str
    tokens: int


class AccountTokenUsageSummary(TypedDict):
    currentStreakDays: NotRequired[int | None]
    lifetimeTokens: NotRequired[int | None]
    longestRunningTurnSec: NotRequired[int | None]
    longestStreakDays: NotRequired[int | None]
    peakDailyTokens: NotRequired[int | None]


AccountUpdateReason: TypeAlias = "Literal['workspaceRoutingReady', 'unknown']"


class AccountUpdatedNotification(TypedDict):
    authMode: NotRequired[AuthMode | None]
    planType: NotRequired[PlanType | None]
    reason: NotRequired[AccountUpdateReason | None]


class ActivePermissionProfile(TypedDict):
    extends: NotRequired[str | None]
    id: str


AddCreditsNudgeCreditType: TypeAlias = "Literal['credits', 'usage_limit']"

AddCreditsNudgeEmailStatus: TypeAlias = "Literal['sent', 'cooldown_active']"


class AdditionalContextEntry(TypedDict):
    kind: AdditionalContextKind
    name: NotRequired[str | None]
    value: str


AdditionalContextKind: TypeAlias = "Literal['untrusted', 'application']"


class AdditionalFileSystemPermissions(TypedDict):
    entries: NotRequired[list[FileSystemSandboxEntry] | None]
    globScanMaxDepth: NotRequired[int | None]
    read: NotRequired[list[LegacyAppPathString] | None]
    write: NotRequired[list[LegacyAppPathString] | None]


class AdditionalNetworkPermissions(TypedDict):
    enabled: NotRequired[bool | None]


class AdditionalPermissionProfile(TypedDict):
    fileSystem: NotRequired[AdditionalFileSystemPermissions | None]
    network: NotRequired[AdditionalNetworkPermissions | None]


AgentMessageDelivery: TypeAlias = "Literal['async']"


class AgentMessageDeltaNotification(TypedDict):
    delta: str
    itemId: str
    threadId: str
    turnId: str


class AgentMessageDisplay1(TypedDict):
    annotation: NotRequired[AnswerAnnotation | None]
    mode: Literal["show"]
    trustedContacts: TrustedContacts
    version: Literal[1]


class AgentMessageDisplay2(TypedDict):
    mode: Literal["hide"]
    replacement: AnswerReplacement
    version: Literal[1]


class AgentMessageDisplay3(TypedDict):
    mode: Literal["block"]
    reason: BlockReason
    version: Literal[1]


AgentMessageDisplay: TypeAlias = "AgentMessageDisplay1 | AgentMessageDisplay2 | AgentMessageDisplay3"


class InputTextAgentMessageInputContent(TypedDict):
    text: str
    type: Literal["input_text"]


class EncryptedContentAgentMessageInputContent(TypedDict):
    encrypted_content: str
    type: Literal["encrypted_content"]


AgentMessageInputContent: TypeAlias = "InputTextAgentMessageInputContent | EncryptedContentAgentMessageInputContent"


class AgentMessageModeration(TypedDict):
    display: NotRequired[AgentMessageDisplay | None]
    moderated: bool


AgentPath: TypeAlias = "str"

AllowDenyRequirement: TypeAlias = "Literal['allow', 'deny']"


class AnalyticsConfig(TypedDict):
    enabled: NotRequired[bool | None]


class AnswerAnnotation1(TypedDict):
    kind: Literal["wellbeingHelpline"]
    subject: HelplineSubject


AnswerAnnotation: TypeAlias = "AnswerAnnotation1"


class WellbeingPromptHelplineAnswerReplacement(TypedDict):
    kind: Literal["wellbeingPromptHelpline"]


AnswerReplacement: TypeAlias = "WellbeingPromptHelplineAnswerReplacement"


class AppBranding(TypedDict):
    category: NotRequired[str | None]
    developer: NotRequired[str | None]
    isDiscoverableApp: bool
    privacyPolicy: NotRequired[str | None]
    termsOfService: NotRequired[str | None]
    website: NotRequired[str | None]


class AppConfig(TypedDict):
    approvals_reviewer: NotRequired[ApprovalsReviewer | None]
    default_tools_approval_mode: NotRequired[AppToolApproval | None]
    default_tools_enabled: NotRequired[bool | None]
    destructive_enabled: NotRequired[bool | None]
    enabled: NotRequired[bool]
    links: NotRequired[AppLinksConfig | None]
    omit_tools_from: NotRequired[list[ToolExposureSurface] | None]
    open_world_enabled: NotRequired[bool | None]
    tools: NotRequired[AppToolsConfig | None]


class AppInfo(TypedDict):
    appMetadata: NotRequired[AppMetadata | None]
    branding: NotRequired[AppBranding | None]
    description: NotRequired[str | None]
    distributionChannel: NotRequired[str | None]
    iconAssets: NotRequired[dict[str, str] | None]
    iconDarkAssets: NotRequired[dict[str, str] | None]
    id: str
    installUrl: NotRequired[str | None]
    isAccessible: NotRequired[bool]
    isEnabled: NotRequired[bool]
    labels: NotRequired[dict[str, str] | None]
    logoUrl: NotRequired[str | None]
    logoUrlDark: NotRequired[str | None]
    name: str
    pluginDisplayNames: NotRequired[list[str]]


class AppLinkConfig(TypedDict):
    approvals_reviewer: NotRequired[ApprovalsReviewer | None]
    default_tools_approval_mode: NotRequired[AppToolApproval | None]


class AppLinksConfig(TypedDict):
    pass


class AppListUpdatedNotification(TypedDict):
    data: list[AppInfo]


class AppMetadata(TypedDict):
    categories: NotRequired[list[str] | None]
    developer: NotRequired[str | None]
    firstPartyRequiresInstall: NotRequired[bool | None]
    review: NotRequired[AppReview | None]
    screenshots: NotRequired[list[AppScreenshot] | None]
    seoDescription: NotRequired[str | None]
    showInComposerWhenUnlinked: NotRequired[bool | None]
    subCategories: NotRequired[list[str] | None]
    version: NotRequired[str | None]
    versionId: NotRequired[str | None]
    versionNotes: NotRequired[str | None]


class AppReview(TypedDict):
    status: str


class AppScreenshot(TypedDict):
    fileId: NotRequired[str | None]
    url: NotRequired[str | None]
    userPrompt: str


class AppSummary(TypedDict):
    category: NotRequired[str | None]
    description: NotRequired[str | None]
    id: str
    installUrl: NotRequired[str | None]
    name: str


class AppTemplateSummary(TypedDict):
    canonicalConnectorId: NotRequired[str | None]
    category: NotRequired[str | None]
    description: NotRequired[str | None]
    logoUrl: NotRequired[str | None]
    logoUrlDark: NotRequired[str | None]
    materializedAppIds: list[str]
    name: str
    reason: NotRequired[AppTemplateUnavailableReason | None]
    templateId: str


AppTemplateUnavailableReason: TypeAlias = "Literal['NOT_CONFIGURED_FOR_WORKSPACE', 'NO_ACTIVE_WORKSPACE']"

AppToolApproval: TypeAlias = "Literal['auto', 'prompt', 'writes', 'approve']"


class AppToolConfig(TypedDict):
    approval_mode: NotRequired[AppToolApproval | None]
    enabled: NotRequired[bool | None]


class AppToolSummary(TypedDict):
    description: str
    disabledReason: NotRequired[str | None]
    isEnabled: NotRequired[bool]
    isReadOnly: NotRequired[bool]
    name: str
    title: NotRequired[str | None]


class AppToolsConfig(TypedDict):
    pass


class ApplicationNetworkRequirements(TypedDict):
    domains: dict[str, NetworkDomainPermission]
    enabled: bool


class ApplicationRequirements(TypedDict):
    network: NotRequired[ApplicationNetworkRequirements | None]
    storage: NotRequired[ApplicationStorageRequirements | None]


class ApplicationStorageRequirements(TypedDict):
    defaultProjectParent: NotRequired[LegacyAppPathString | None]
    projectlessWorkspaceRoot: NotRequired[LegacyAppPathString | None]


class ApplyPatchApprovalParams(TypedDict):
    callId: str
    conversationId: ThreadId
    fileChanges: dict[str, FileChange]
    grantRoot: NotRequired[str | None]
    reason: NotRequired[str | None]


class ApplyPatchApprovalResponse(TypedDict):
    decision: ReviewDecision


ApprovalsReviewer: TypeAlias = "Literal['user', 'auto_review', 'guardian_subagent']"


class AppsConfig(TypedDict):
    _default: NotRequired[AppsDefaultConfig | None]


class AppsDefaultConfig(TypedDict):
    approvals_reviewer: NotRequired[ApprovalsReviewer | None]
    default_tools_approval_mode: NotRequired[AppToolApproval | None]
    destructive_enabled: NotRequired[bool]
    enabled: NotRequired[bool]
    open_world_enabled: NotRequired[bool]


class AppsInstalledParams(TypedDict):
    forceRefresh: NotRequired[bool]
    threadId: NotRequired[str | None]


class AppsInstalledResponse(TypedDict):
    apps: list[InstalledApp]


class AppsListParams(TypedDict):
    cursor: NotRequired[str | None]
    forceRefetch: NotRequired[bool]
    limit: NotRequired[int | None]
    threadId: NotRequired[str | None]


class AppsListResponse(TypedDict):
    data: list[AppInfo]
    nextCursor: NotRequired[str | None]


class AppsReadParams(TypedDict):
    appIds: list[str]
    includeTools: NotRequired[bool]
    threadId: NotRequired[str | None]


class AppsReadResponse(TypedDict):
    apps: list[ConnectorMetadata]
    missingAppIds: list[str]


class GranularAskForApprovalGranular(TypedDict):
    mcp_elicitations: bool
    request_permissions: NotRequired[bool]
    rules: bool
    sandbox_approval: bool
    skill_approval: NotRequired[bool]


class GranularAskForApproval(TypedDict):
    granular: GranularAskForApprovalGranular


AskForApproval: TypeAlias = "Literal['untrusted', 'on-request', 'never'] | GranularAskForApproval"


class AsyncUserInputQuestion(TypedDict):
    options: NotRequired[list[str] | None]
    title: str


class AttestationGenerateParams(TypedDict):
    pass


class AttestationGenerateResponse(TypedDict):
    token: str


AuthMode: TypeAlias = "Literal['apikey'] | Literal['chatgpt'] | Literal['chatgptAuthTokens'] | Literal['headers'] | Literal['agentIdentity'] | Literal['personalAccessToken'] | Literal['bedrockApiKey'] | Literal['bedrockAccessKeys']"


class AuthRecoveryNotification(TypedDict):
    message: str
    provider: str
    threadId: str
    turnId: str


AutoCompactTokenLimitScope: TypeAlias = "Literal['total'] | Literal['body_after_prefix']"

AutoReviewDecisionSource: TypeAlias = "Literal['agent']"


class AutoReviewRequirements(TypedDict):
    ignoreRules: NotRequired[list[str] | None]
    requiredOnModels: NotRequired[list[str] | None]


AwsCredentialType: TypeAlias = "Literal['accessKeys', 'bedrockApiKey']"


class BedrockAwsProfile(TypedDict):
    name: str
    region: NotRequired[str | None]


class BedrockCheckGovCloudRequirementsParams(TypedDict):
    pass


class BedrockCheckGovCloudRequirementsResponse(TypedDict):
    isGovCloud: bool
    shouldWarn: bool


class BedrockDiscoverParams(TypedDict):
    pass


class BedrockDiscoverResponse(TypedDict):
    environmentCredentials: list[BedrockEnvironmentCredential]
    profiles: list[BedrockAwsProfile]


class BedrockEnvironmentCredential(TypedDict):
    region: NotRequired[str | None]
    type: AwsCredentialType


BedrockProviderId: TypeAlias = "Literal['amazon-bedrock', 'amazon-bedrock-runtime']"


class Profilev2BedrockSetupParams(TypedDict):
    profile: str
    region: str
    type: Literal["profile"]


class Environmentv2BedrockSetupParams(TypedDict):
    region: str
    type: Literal["environment"]


BedrockSetupParams: TypeAlias = "Profilev2BedrockSetupParams | Environmentv2BedrockSetupParams"


class BedrockSetupResponse(TypedDict):
    pass


class BlockReason1(TypedDict):
    kind: Literal["protection"]
    protectionType: str


class KindBlockReason(TypedDict):
    kind: Literal["cyber"]
    trustedAccess: NotRequired[bool | None]


BlockReason: TypeAlias = "BlockReason1 | KindBlockReason"

BrowserUseAccessApprovalLifetime: TypeAlias = "Literal['turn', 'thread']"


class BrowserUseConfig(TypedDict):
    allow_history_access: NotRequired[bool | None]
    default_origin_policy: NotRequired[BrowserUseOriginPolicyConfig | None]
    origins: NotRequired[dict[str, BrowserUseOriginPolicyConfig] | None]


class BrowserUseExtensionRequirements(TypedDict):
    requestHeaders: NotRequired[list[RequestHeader] | None]


class BrowserUseOriginPolicy(TypedDict):
    access: NotRequired[AllowDenyRequirement | None]
    accessApprovalLifetime: NotRequired[BrowserUseAccessApprovalLifetime | None]
    autoReview: NotRequired[AllowDenyRequirement | None]
    downloads: NotRequired[AllowDenyRequirement | None]
    fullCdpAccess: NotRequired[AllowDenyRequirement | None]
    persistentApproval: NotRequired[bool | None]
    uploads: NotRequired[AllowDenyRequirement | None]


class BrowserUseOriginPolicyConfig(TypedDict):
    access: NotRequired[AllowDenyRequirement | None]
    downloads: NotRequired[AllowDenyRequirement | None]
    full_cdp_access: NotRequired[AllowDenyRequirement | None]
    uploads: NotRequired[AllowDenyRequirement | None]


class BrowserUseRequirements(TypedDict):
    allowGlobalPersistentApproval: NotRequired[bool | None]
    allowHistoryAccess: NotRequired[bool | None]
    allowWebmcp: NotRequired[bool | None]
    defaultOriginPolicy: NotRequired[BrowserUseOriginPolicy | None]
    disableAutoReview: NotRequired[bool | None]
    extension: NotRequired[BrowserUseExtensionRequirements | None]
    origins: NotRequired[dict[str, BrowserUseOriginPolicy] | None]


class ByteRange(TypedDict):
    end: int
    start: int


class CancelLoginAccountParams(TypedDict):
    loginId: str


class CancelLoginAccountResponse(TypedDict):
    status: CancelLoginAccountStatus


CancelLoginAccountStatus: TypeAlias = "Literal['canceled', 'notFound']"


class EnvironmentCapabilityRootLocation(TypedDict):
    environmentId: str
    path: str
    type: Literal["environment"]


CapabilityRootLocation: TypeAlias = "EnvironmentCapabilityRootLocation"


class ChatgptAuthTokensRefreshParams(TypedDict):
    previousAccountId: NotRequired[str | None]
    reason: ChatgptAuthTokensRefreshReason


ChatgptAuthTokensRefreshReason: TypeAlias = "Literal['unauthorized']"


class ChatgptAuthTokensRefreshResponse(TypedDict):
    accessToken: str
    chatgptAccountId: str
    chatgptPlanType: NotRequired[str | None]


CliAuthCredentialsStoreMode: TypeAlias = "Literal['file', 'keyring', 'auto', 'ephemeral']"


class ClientInfo(TypedDict):
    name: str
    title: NotRequired[str | None]
    version: str


class InitializedNotification(TypedDict):
    method: Literal["initialized"]


ClientNotification: TypeAlias = "InitializedNotification"


class InitializeRequest(TypedDict):
    id: RequestId
    method: Literal["initialize"]
    params: InitializeParams


class ServerDiagnosticsRequest(TypedDict):
    id: RequestId
    method: Literal["server/diagnostics"]
    params: ServerDiagnosticsParams


class UserVerificationStatusRequest(TypedDict):
    id: RequestId
    method: Literal["userVerification/status"]
    params: UserVerificationStatusParams


class UserVerificationEnrollRequest(TypedDict):
    id: RequestId
    method: Literal["userVerification/enroll"]
    params: UserVerificationEnrollParams


class UserVerificationDeleteRequest(TypedDict):
    id: RequestId
    method: Literal["userVerification/delete"]
    params: UserVerificationDeleteParams


class UserVerificationVerifyRequest(TypedDict):
    id: RequestId
    method: Literal["userVerification/verify"]
    params: UserVerificationVerifyParams


class UserVerificationCancelRequest(TypedDict):
    id: RequestId
    method: Literal["userVerification/cancel"]
    params: UserVerificationCancelParams


class ThreadStartRequest(TypedDict):
    id: RequestId
    method: Literal["thread/start"]
    params: ThreadStartParams


class ThreadResumeRequest(TypedDict):
    id: RequestId
    method: Literal["thread/resume"]
    params: ThreadResumeParams


class ThreadForkRequest(TypedDict):
    id: RequestId
    method: Literal["thread/fork"]
    params: ThreadForkParams


class ThreadSampleRequest(TypedDict):
    id: RequestId
    method: Literal["thread/sample"]
    params: ThreadSampleParams


class ThreadSampleCancelRequest(TypedDict):
    id: RequestId
    method: Literal["thread/sample/cancel"]
    params: ThreadSampleCancelParams


class ThreadArchiveRequest(TypedDict):
    id: RequestId
    method: Literal["thread/archive"]
    params: ThreadArchiveParams


class ThreadDeleteRequest(TypedDict):
    id: RequestId
    method: Literal["thread/delete"]
    params: ThreadDeleteParams


class ThreadUnsubscribeRequest(TypedDict):
    id: RequestId
    method: Literal["thread/unsubscribe"]
    params: ThreadUnsubscribeParams


class ThreadIncrementElicitationRequest(TypedDict):
    id: RequestId
    method: Literal["thread/increment_elicitation"]
    params: ThreadIncrementElicitationParams


class ThreadDecrementElicitationRequest(TypedDict):
    id: RequestId
    method: Literal["thread/decrement_elicitation"]
    params: ThreadDecrementElicitationParams


class ThreadNameSetRequest(TypedDict):
    id: RequestId
    method: Literal["thread/name/set"]
    params: ThreadSetNameParams


class ThreadPredictionRequestRequest(TypedDict):
    id: RequestId
    method: Literal["thread/prediction/request"]
    params: ThreadPredictionRequestParams


class ThreadGoalSetRequest(TypedDict):
    id: RequestId
    method: Literal["thread/goal/set"]
    params: ThreadGoalSetParams


class ThreadGoalGetRequest(TypedDict):
    id: RequestId
    method: Literal["thread/goal/get"]
    params: ThreadGoalGetParams


class ThreadGoalClearRequest(TypedDict):
    id: RequestId
    method: Literal["thread/goal/clear"]
    params: ThreadGoalClearParams


class ThreadQueueAddRequest(TypedDict):
    id: RequestId
    method: Literal["thread/queue/add"]
    params: ThreadQueueAddParams


class ThreadQueueListRequest(TypedDict):
    id: RequestId
    method: Literal["thread/queue/list"]
    params: ThreadQueueListParams


class ThreadQueueUpdateRequest(TypedDict):
    id: RequestId
    method: Literal["thread/queue/update"]
    params: ThreadQueueUpdateParams


class ThreadQueueDeleteRequest(TypedDict):
    id: RequestId
    method: Literal["thread/queue/delete"]
    params: ThreadQueueDeleteParams


class ThreadQueueReorderRequest(TypedDict):
    id: RequestId
    method: Literal["thread/queue/reorder"]
    params: ThreadQueueReorderParams


class ThreadQueueStartRequest(TypedDict):
    id: RequestId
    method: Literal["thread/queue/start"]
    params: ThreadQueueStartParams


class ThreadMetadataUpdateRequest(TypedDict):
    id: RequestId
    method: Literal["thread/metadata/update"]
    params: ThreadMetadataUpdateParams


class ThreadAttachmentAddRequest(TypedDict):
    id: RequestId
    method: Literal["thread/attachment/add"]
    params: ThreadAttachmentAddParams


class ThreadAttachmentListRequest(TypedDict):
    id: RequestId
    method: Literal["thread/attachment/list"]
    params: ThreadAttachmentListParams


class ThreadAttachmentOwnerListRequest(TypedDict):
    id: RequestId
    method: Literal["thread/attachmentOwner/list"]
    params: ThreadAttachmentOwnerListParams


class ThreadAttachmentRemoveRequest(TypedDict):
    id: RequestId
    method: Literal["thread/attachment/remove"]
    params: ThreadAttachmentRemoveParams


class ThreadSectionMoveRequest(TypedDict):
    id: RequestId
    method: Literal["thread/section/move"]
    params: ThreadSectionMoveParams


class ThreadSettingsUpdateRequest(TypedDict):
    id: RequestId
    method: Literal["thread/settings/update"]
    params: ThreadSettingsUpdateParams


class ThreadMemoryModeSetRequest(TypedDict):
    id: RequestId
    method: Literal["thread/memoryMode/set"]
    params: ThreadMemoryModeSetParams


class ThreadMemoryReadRequest(TypedDict):
    id: RequestId
    method: Literal["thread/memory/read"]
    params: ThreadMemoryReadParams


class MemoryStatusRequest(TypedDict):
    id: RequestId
    method: Literal["memory/status"]
    params: MemoryStatusParams


class MemoryResetRequest(TypedDict):
    id: RequestId
    method: Literal["memory/reset"]
    params: NotRequired[None]


class RolloutCompressRequest(TypedDict):
    id: RequestId
    method: Literal["rollout/compress"]
    params: NotRequired[None]


class ThreadUnarchiveRequest(TypedDict):
    id: RequestId
    method: Literal["thread/unarchive"]
    params: ThreadUnarchiveParams


class ThreadCompactStartRequest(TypedDict):
    id: RequestId
    method: Literal["thread/compact/start"]
    params: ThreadCompactStartParams


class ThreadShellCommandRequest(TypedDict):
    id: RequestId
    method: Literal["thread/shellCommand"]
    params: ThreadShellCommandParams


class ThreadApproveGuardianDeniedActionRequest(TypedDict):
    id: RequestId
    method: Literal["thread/approveGuardianDeniedAction"]
    params: ThreadApproveGuardianDeniedActionParams


class ThreadBackgroundTerminalsCleanRequest(TypedDict):
    id: RequestId
    method: Literal["thread/backgroundTerminals/clean"]
    params: ThreadBackgroundTerminalsCleanParams


class ThreadBackgroundTerminalsListRequest(TypedDict):
    id: RequestId
    method: Literal["thread/backgroundTerminals/list"]
    params: ThreadBackgroundTerminalsListParams


class ThreadBackgroundTerminalsTerminateRequest(TypedDict):
    id: RequestId
    method: Literal["thread/backgroundTerminals/terminate"]
    params: ThreadBackgroundTerminalsTerminateParams


class ThreadRevertRequest(TypedDict):
    id: RequestId
    method: Literal["thread/revert"]
    params: ThreadRevertParams


class ThreadListRequest(TypedDict):
    id: RequestId
    method: Literal["thread/list"]
    params: ThreadListParams


class ProjectListRequest(TypedDict):
    id: RequestId
    method: Literal["project/list"]
    params: ProjectListParams


class ProjectReadRequest(TypedDict):
    id: RequestId
    method: Literal["project/read"]
    params: ProjectReadParams


class ProjectCreateRequest(TypedDict):
    id: RequestId
    method: Literal["project/create"]
    params: ProjectCreateParams


class ProjectImportRequest(TypedDict):
    id: RequestId
    method: Literal["project/import"]
    params: ProjectImportParams


class ProjectUpdateRequest(TypedDict):
    id: RequestId
    method: Literal["project/update"]
    params: ProjectUpdateParams


class ProjectMoveRequest(TypedDict):
    id: RequestId
    method: Literal["project/move"]
    params: ProjectMoveParams


class ProjectDeleteRequest(TypedDict):
    id: RequestId
    method: Literal["project/delete"]
    params: ProjectDeleteParams


class ThreadSectionListRequest(TypedDict):
    id: RequestId
    method: Literal["threadSection/list"]
    params: ThreadSectionListParams


class ThreadSectionCreateRequest(TypedDict):
    id: RequestId
    method: Literal["threadSection/create"]
    params: ThreadSectionCreateParams


class ThreadSectionUpdateRequest(TypedDict):
    id: RequestId
    method: Literal["threadSection/update"]
    params: ThreadSectionUpdateParams


class ThreadSectionDeleteRequest(TypedDict):
    id: RequestId
    method: Literal["threadSection/delete"]
    params: ThreadSectionDeleteParams


class ThreadSearchRequest(TypedDict):
    id: RequestId
    method: Literal["thread/search"]
    params: ThreadSearchParams


class ThreadSearchStreamRequest(TypedDict):
    id: RequestId
    method: Literal["thread/search/stream"]
    params: ThreadSearchParams


class ThreadSearchCancelRequest(TypedDict):
    id: RequestId
    method: Literal["thread/search/cancel"]
    params: ThreadSearchCancelParams


class ThreadSearchStreamCancelRequest(TypedDict):
    id: RequestId
    method: Literal["thread/search/stream/cancel"]
    params: ThreadSearchCancelParams


class ThreadSearchOccurrencesRequest(TypedDict):
    id: RequestId
    method: Literal["thread/searchOccurrences"]
    params: ThreadSearchOccurrencesParams


class ThreadLoadedListRequest(TypedDict):
    id: RequestId
    method: Literal["thread/loaded/list"]
    params: ThreadLoadedListParams


class ThreadReadRequest(TypedDict):
    id: RequestId
    method: Literal["thread/read"]
    params: ThreadReadParams


class ThreadReadStateUpdateRequest(TypedDict):
    id: RequestId
    method: Literal["thread/readState/update"]
    params: ThreadReadStateUpdateParams


class ThreadTurnsListRequest(TypedDict):
    id: RequestId
    method: Literal["thread/turns/list"]
    params: ThreadTurnsListParams


class ThreadItemsListRequest(TypedDict):
    id: RequestId
    method: Literal["thread/items/list"]
    params: ThreadItemsListParams


class ThreadItemsReadRequest(TypedDict):
    id: RequestId
    method: Literal["thread/items/read"]
    params: ThreadItemsReadParams


class ThreadGuardianReviewRequest(TypedDict):
    id: RequestId
    method: Literal["thread/guardianReview"]
    params: ThreadGuardianReviewParams


class ThreadInjectItemsRequest(TypedDict):
    id: RequestId
    method: Literal["thread/inject_items"]
    params: ThreadInjectItemsParams


class ThreadPrepareApprovedPlanRequest(TypedDict):
    id: RequestId
    method: Literal["thread/prepareApprovedPlan"]
    params: ThreadPrepareApprovedPlanParams


class SkillsListRequest(TypedDict):
    id: RequestId
    method: Literal["skills/list"]
    params: SkillsListParams


class SkillsExtraRootsSetRequest(TypedDict):
    id: RequestId
    method: Literal["skills/extraRoots/set"]
    params: SkillsExtraRootsSetParams


class HooksListRequest(TypedDict):
    id: RequestId
    method: Literal["hooks/list"]
    params: HooksListParams


class MarketplaceAddRequest(TypedDict):
    id: RequestId
    method: Literal["marketplace/add"]
    params: MarketplaceAddParams


class MarketplaceRemoveRequest(TypedDict):
    id: RequestId
    method: Literal["marketplace/remove"]
    params: MarketplaceRemoveParams


class MarketplaceUpgradeRequest(TypedDict):
    id: RequestId
    method: Literal["marketplace/upgrade"]
    params: MarketplaceUpgradeParams


class PluginListRequest(TypedDict):
    id: RequestId
    method: Literal["plugin/list"]
    params: PluginListParams


class PluginSearchRequest(TypedDict):
    id: RequestId
    method: Literal["plugin/search"]
    params: PluginSearchParams


class PluginInstalledRequest(TypedDict):
    id: RequestId
    method: Literal["plugin/installed"]
    params: PluginInstalledParams


class PluginReconcileRequest(TypedDict):
    id: RequestId
    method: Literal["plugin/reconcile"]
    params: PluginReconcileParams


class PluginReadRequest(TypedDict):
    id: RequestId
    method: Literal["plugin/read"]
    params: PluginReadParams


class PluginSkillReadRequest(TypedDict):
    id: RequestId
    method: Literal["plugin/skill/read"]
    params: PluginSkillReadParams


class PluginShareSaveRequest(TypedDict):
    id: RequestId
    method: Literal["plugin/share/save"]
    params: PluginShareSaveParams


class PluginShareUpdateTargetsRequest(TypedDict):
    id: RequestId
    method: Literal["plugin/share/updateTargets"]
    params: PluginShareUpdateTargetsParams


class PluginShareListRequest(TypedDict):
    id: RequestId
    method: Literal["plugin/share/list"]
    params: PluginShareListParams


class PluginShareCheckoutRequest(TypedDict):
    id: RequestId
    method: Literal["plugin/share/checkout"]
    params: PluginShareCheckoutParams


class PluginShareDeleteRequest(TypedDict):
    id: RequestId
    method: Literal["plugin/share/delete"]
    params: PluginShareDeleteParams


class AppReadRequest(TypedDict):
    id: RequestId
    method: Literal["app/read"]
    params: AppsReadParams


class AppListRequest(TypedDict):
    id: RequestId
    method: Literal["app/list"]
    params: AppsListParams


class AppInstalledRequest(TypedDict):
    id: RequestId
    method: Literal["app/installed"]
    params: AppsInstalledParams


class FsReadFileRequest(TypedDict):
    id: RequestId
    method: Literal["fs/readFile"]
    params: FsReadFileParams


class FsWriteFileRequest(TypedDict):
    id: RequestId
    method: Literal["fs/writeFile"]
    params: FsWriteFileParams


class FsCreateDirectoryRequest(TypedDict):
    id: RequestId
    method: Literal["fs/createDirectory"]
    params: FsCreateDirectoryParams


class FsGetMetadataRequest(TypedDict):
    id: RequestId
    method: Literal["fs/getMetadata"]
    params: FsGetMetadataParams


class FsReadDirectoryRequest(TypedDict):
    id: RequestId
    method: Literal["fs/readDirectory"]
    params: FsReadDirectoryParams


class FsRemoveRequest(TypedDict):
    id: RequestId
    method: Literal["fs/remove"]
    params: FsRemoveParams


class FsCopyRequest(TypedDict):
    id: RequestId
    method: Literal["fs/copy"]
    params: FsCopyParams


class FsWatchRequest(TypedDict):
    id: RequestId
    method: Literal["fs/watch"]
    params: FsWatchParams


class FsUnwatchRequest(TypedDict):
    id: RequestId
    method: Literal["fs/unwatch"]
    params: FsUnwatchParams


class SkillsConfigWriteRequest(TypedDict):
    id: RequestId
    method: Literal["skills/config/write"]
    params: SkillsConfigWriteParams


class PluginInstallRequest(TypedDict):
    id: RequestId
    method: Literal["plugin/install"]
    params: PluginInstallParams


class PluginUninstallRequest(TypedDict):
    id: RequestId
    method: Literal["plugin/uninstall"]
    params: PluginUninstallParams


class TurnStartRequest(TypedDict):
    id: RequestId
    method: Literal["turn/start"]
    params: TurnStartParams


class TurnSettingsUpdateRequest(TypedDict):
    id: RequestId
    method: Literal["turn/settings/update"]
    params: TurnSettingsUpdateParams


class TurnSteerRequest(TypedDict):
    id: RequestId
    method: Literal["turn/steer"]
    params: TurnSteerParams


class TurnInterruptRequest(TypedDict):
    id: RequestId
    method: Literal["turn/interrupt"]
    params: TurnInterruptParams


class ThreadRealtimeStartRequest(TypedDict):
    id: RequestId
    method: Literal["thread/realtime/start"]
    params: ThreadRealtimeStartParams


class ThreadRealtimeAppendAudioRequest(TypedDict):
    id: RequestId
    method: Literal["thread/realtime/appendAudio"]
    params: ThreadRealtimeAppendAudioParams


class ThreadRealtimeAppendTextRequest(TypedDict):
    id: RequestId
    method: Literal["thread/realtime/appendText"]
    params: ThreadRealtimeAppendTextParams


class ThreadRealtimeAppendSpeechRequest(TypedDict):
    id: RequestId
    method: Literal["thread/realtime/appendSpeech"]
    params: ThreadRealtimeAppendSpeechParams


class ThreadRealtimeStopRequest(TypedDict):
    id: RequestId
    method: Literal["thread/realtime/stop"]
    params: ThreadRealtimeStopParams


class ThreadTimelineListRequest(TypedDict):
    id: RequestId
    method: Literal["thread/timeline/list"]
    params: ThreadTimelineListParams


class ThreadRealtimeListRequest(TypedDict):
    id: RequestId
    method: Literal["thread/realtime/list"]
    params: ThreadRealtimeListParams


class ThreadRealtimeListVoicesRequest(TypedDict):
    id: RequestId
    method: Literal["thread/realtime/listVoices"]
    params: ThreadRealtimeListVoicesParams


class ReviewStartRequest(TypedDict):
    id: RequestId
    method: Literal["review/start"]
    params: ReviewStartParams


class ModelListRequest(TypedDict):
    id: RequestId
    method: Literal["model/list"]
    params: ModelListParams


class AccountGatewayOAuthReadRequest(TypedDict):
    id: RequestId
    method: Literal["account/gatewayOAuth/read"]
    params: NotRequired[GatewayOAuthReadParams | None]


class AccountGatewayOAuthLoginRequest(TypedDict):
    id: RequestId
    method: Literal["account/gatewayOAuth/login"]
    params: NotRequired[GatewayOAuthLoginParams | None]


class AccountGatewayOAuthCancelRequest(TypedDict):
    id: RequestId
    method: Literal["account/gatewayOAuth/cancel"]
    params: NotRequired[None]


class ModelProviderListRequest(TypedDict):
    id: RequestId
    method: Literal["modelProvider/list"]
    params: ModelProviderListParams


class ModelProviderConfigWriteRequest(TypedDict):
    id: RequestId
    method: Literal["modelProvider/config/write"]
    params: ModelProviderConfigWriteParams


class ModelProviderDefaultSetRequest(TypedDict):
    id: RequestId
    method: Literal["modelProvider/default/set"]
    params: ModelProviderDefaultSetParams


class ModelProviderCapabilitiesReadRequest(TypedDict):
    id: RequestId
    method: Literal["modelProvider/capabilities/read"]
    params: ModelProviderCapabilitiesReadParams


class ExperimentalFeatureListRequest(TypedDict):
    id: RequestId
    method: Literal["experimentalFeature/list"]
    params: ExperimentalFeatureListParams


class PermissionProfileListRequest(TypedDict):
    id: RequestId
    method: Literal["permissionProfile/list"]
    params: PermissionProfileListParams


class ExperimentalFeatureEnablementSetRequest(TypedDict):
    id: RequestId
    method: Literal["experimentalFeature/enablement/set"]
    params: ExperimentalFeatureEnablementSetParams


class RemoteControlEnableRequest(TypedDict):
    id: RequestId
    method: Literal["remoteControl/enable"]
    params: NotRequired[RemoteControlEnableParams | None]


class RemoteControlDisableRequest(TypedDict):
    id: RequestId
    method: Literal["remoteControl/disable"]
    params: NotRequired[RemoteControlDisableParams | None]


class RemoteControlStatusReadRequest(TypedDict):
    id: RequestId
    method: Literal["remoteControl/status/read"]
    params: NotRequired[None]


class RemoteControlPairingStartRequest(TypedDict):
    id: RequestId
    method: Literal["remoteControl/pairing/start"]
    params: RemoteControlPairingStartParams


class RemoteControlPairingStatusRequest(TypedDict):
    id: RequestId
    method: Literal["remoteControl/pairing/status"]
    params: RemoteControlPairingStatusParams


class RemoteControlClientListRequest(TypedDict):
    id: RequestId
    method: Literal["remoteControl/client/list"]
    params: RemoteControlClientsListParams


class RemoteControlClientRevokeRequest(TypedDict):
    id: RequestId
    method: Literal["remoteControl/client/revoke"]
    params: RemoteControlClientsRevokeParams


class CollaborationModeListRequest(TypedDict):
    id: RequestId
    method: Literal["collaborationMode/list"]
    params: CollaborationModeListParams


class MockExperimentalMethodRequest(TypedDict):
    id: RequestId
    method: Literal["mock/experimentalMethod"]
    params: MockExperimentalMethodParams


class EnvironmentAddRequest(TypedDict):
    id: RequestId
    method: Literal["environment/add"]
    params: EnvironmentAddParams


class EnvironmentInfoRequest(TypedDict):
    id: RequestId
    method: Literal["environment/info"]
    params: EnvironmentInfoParams


class EnvironmentStatusRequest(TypedDict):
    id: RequestId
    method: Literal["environment/status"]
    params: EnvironmentStatusParams


class McpServerOauthLoginRequest(TypedDict):
    id: RequestId
    method: Literal["mcpServer/oauth/login"]
    params: McpServerOauthLoginParams


class ConfigMcpServerReloadRequest(TypedDict):
    id: RequestId
    method: Literal["config/mcpServer/reload"]
    params: NotRequired[None]


class McpServerStatusListRequest(TypedDict):
    id: RequestId
    method: Literal["mcpServerStatus/list"]
    params: ListMcpServerStatusParams


class McpServerResourceReadRequest(TypedDict):
    id: RequestId
    method: Literal["mcpServer/resource/read"]
    params: McpResourceReadParams


class McpServerEventStreamStartRequest(TypedDict):
    id: RequestId
    method: Literal["mcpServer/event/stream/start"]
    params: McpServerEventStreamStartParams


class McpServerEventStreamStopRequest(TypedDict):
    id: RequestId
    method: Literal["mcpServer/event/stream/stop"]
    params: McpServerEventStreamStopParams


class McpServerToolCallRequest(TypedDict):
    id: RequestId
    method: Literal["mcpServer/tool/call"]
    params: McpServerToolCallParams


class WindowsSandboxSetupStartRequest(TypedDict):
    id: RequestId
    method: Literal["windowsSandbox/setupStart"]
    params: WindowsSandboxSetupStartParams


class WindowsSandboxReadinessRequest(TypedDict):
    id: RequestId
    method: Literal["windowsSandbox/readiness"]
    params: NotRequired[None]


class AccountLoginStartRequest(TypedDict):
    id: RequestId
    method: Literal["account/login/start"]
    params: LoginAccountParams


class AccountBedrockDiscoverRequest(TypedDict):
    id: RequestId
    method: Literal["account/bedrock/discover"]
    params: BedrockDiscoverParams


class AccountBedrockSetupRequest(TypedDict):
    id: RequestId
    method: Literal["account/bedrock/setup"]
    params: BedrockSetupParams


class AccountGcpSetupRequest(TypedDict):
    id: RequestId
    method: Literal["account/gcp/setup"]
    params: GcpSetupParams


class AccountBedrockCheckGovCloudRequirementsRequest(TypedDict):
    id: RequestId
    method: Literal["account/bedrock/checkGovCloudRequirements"]
    params: BedrockCheckGovCloudRequirementsParams


class AccountLoginCancelRequest(TypedDict):
    id: RequestId
    method: Literal["account/login/cancel"]
    params: CancelLoginAccountParams


class AccountSessionListRequest(TypedDict):
    id: RequestId
    method: Literal["accountSession/list"]
    params: AccountSessionsListParams


class AccountSessionSwitchRequest(TypedDict):
    id: RequestId
    method: Literal["accountSession/switch"]
    params: AccountSessionsSwitchParams


class AccountLogoutRequest(TypedDict):
    id: RequestId
    method: Literal["account/logout"]
    params: NotRequired[None]


class AccountSecuritySetupReadRequest(TypedDict):
    id: RequestId
    method: Literal["account/securitySetup/read"]
    params: NotRequired[None]


class AccountRateLimitsReadRequest(TypedDict):
    id: RequestId
    method: Literal["account/rateLimits/read"]
    params: NotRequired[GetAccountRateLimitsParams | None]


class AccountRateLimitResetCreditConsumeRequest(TypedDict):
    id: RequestId
    method: Literal["account/rateLimitResetCredit/consume"]
    params: ConsumeAccountRateLimitResetCreditParams


class AccountUsageReadRequest(TypedDict):
    id: RequestId
    method: Literal["account/usage/read"]
    params: NotRequired[GetAccountTokenUsageParams | None]


class AccountWorkspaceMessagesReadRequest(TypedDict):
    id: RequestId
    method: Literal["account/workspaceMessages/read"]
    params: NotRequired[None]


class AccountSendAddCreditsNudgeEmailRequest(TypedDict):
    id: RequestId
    method: Literal["account/sendAddCreditsNudgeEmail"]
    params: SendAddCreditsNudgeEmailParams


class FeedbackUploadRequest(TypedDict):
    id: RequestId
    method: Literal["feedback/upload"]
    params: FeedbackUploadParams


class FeedbackSaveRequest(TypedDict):
    id: RequestId
    method: Literal["feedback/save"]
    params: FeedbackSaveParams


class CommandExecRequest(TypedDict):
    id: RequestId
    method: Literal["command/exec"]
    params: CommandExecParams


class CommandExecWriteRequest(TypedDict):
    id: RequestId
    method: Literal["command/exec/write"]
    params: CommandExecWriteParams


class CommandExecTerminateRequest(TypedDict):
    id: RequestId
    method: Literal["command/exec/terminate"]
    params: CommandExecTerminateParams


class CommandExecResizeRequest(TypedDict):
    id: RequestId
    method: Literal["command/exec/resize"]
    params: CommandExecResizeParams


class ProcessSpawnRequest(TypedDict):
    id: RequestId
    method: Literal["process/spawn"]
    params: ProcessSpawnParams


class ProcessWriteStdinRequest(TypedDict):
    id: RequestId
    method: Literal["process/writeStdin"]
    params: ProcessWriteStdinParams


class ProcessKillRequest(TypedDict):
    id: RequestId
    method: Literal["process/kill"]
    params: ProcessKillParams


class ProcessResizePtyRequest(TypedDict):
    id: RequestId
    method: Literal["process/resizePty"]
    params: ProcessResizePtyParams


class ConfigReadRequest(TypedDict):
    id: RequestId
    method: Literal["config/read"]
    params: ConfigReadParams


class ExternalAgentConfigDetectRequest(TypedDict):
    id: RequestId
    method: Literal["externalAgentConfig/detect"]
    params: ExternalAgentConfigDetectParams


class ExternalAgentConfigImportRequest(TypedDict):
    id: RequestId
    method: Literal["externalAgentConfig/import"]
    params: ExternalAgentConfigImportParams


class ExternalAgentConfigImportRecordHistoryRequest(TypedDict):
    id: RequestId
    method: Literal["externalAgentConfig/import/recordHistory"]
    params: ExternalAgentConfigImportHistoryRecordParams


class ExternalAgentConfigImportReadHistoriesRequest(TypedDict):
    id: RequestId
    method: Literal["externalAgentConfig/import/readHistories"]
    params: NotRequired[None]


class ConfigValueWriteRequest(TypedDict):
    id: RequestId
    method: Literal["config/value/write"]
    params: ConfigValueWriteParams


class ConfigBatchWriteRequest(TypedDict):
    id: RequestId
    method: Literal["config/batchWrite"]
    params: ConfigBatchWriteParams


class ConfigRequirementsReadRequest(TypedDict):
    id: RequestId
    method: Literal["configRequirements/read"]
    params: NotRequired[None]


class AccountReadRequest(TypedDict):
    id: RequestId
    method: Literal["account/read"]
    params: GetAccountParams


class FuzzyFileSearchRequest(TypedDict):
    id: RequestId
    method: Literal["fuzzyFileSearch"]
    params: FuzzyFileSearchParams


class FuzzyFileSearchSessionStartRequest(TypedDict):
    id: RequestId
    method: Literal["fuzzyFileSearch/sessionStart"]
    params: FuzzyFileSearchSessionStartParams


class FuzzyFileSearchSessionUpdateRequest(TypedDict):
    id: RequestId
    method: Literal["fuzzyFileSearch/sessionUpdate"]
    params: FuzzyFileSearchSessionUpdateParams


class FuzzyFileSearchSessionStopRequest(TypedDict):
    id: RequestId
    method: Literal["fuzzyFileSearch/sessionStop"]
    params: FuzzyFileSearchSessionStopParams


ClientRequest: TypeAlias = "InitializeRequest | ServerDiagnosticsRequest | UserVerificationStatusRequest | UserVerificationEnrollRequest | UserVerificationDeleteRequest | UserVerificationVerifyRequest | UserVerificationCancelRequest | ThreadStartRequest | ThreadResumeRequest | ThreadForkRequest | ThreadSampleRequest | ThreadSampleCancelRequest | ThreadArchiveRequest | ThreadDeleteRequest | ThreadUnsubscribeRequest | ThreadIncrementElicitationRequest | ThreadDecrementElicitationRequest | ThreadNameSetRequest | ThreadPredictionRequestRequest | ThreadGoalSetRequest | ThreadGoalGetRequest | ThreadGoalClearRequest | ThreadQueueAddRequest | ThreadQueueListRequest | ThreadQueueUpdateRequest | ThreadQueueDeleteRequest | ThreadQueueReorderRequest | ThreadQueueStartRequest | ThreadMetadataUpdateRequest | ThreadAttachmentAddRequest | ThreadAttachmentListRequest | ThreadAttachmentOwnerListRequest | ThreadAttachmentRemoveRequest | ThreadSectionMoveRequest | ThreadSettingsUpdateRequest | ThreadMemoryModeSetRequest | ThreadMemoryReadRequest | MemoryStatusRequest | MemoryResetRequest | RolloutCompressRequest | ThreadUnarchiveRequest | ThreadCompactStartRequest | ThreadShellCommandRequest | ThreadApproveGuardianDeniedActionRequest | ThreadBackgroundTerminalsCleanRequest | ThreadBackgroundTerminalsListRequest | ThreadBackgroundTerminalsTerminateRequest | ThreadRevertRequest | ThreadListRequest | ProjectListRequest | ProjectReadRequest | ProjectCreateRequest | ProjectImportRequest | ProjectUpdateRequest | ProjectMoveRequest | ProjectDeleteRequest | ThreadSectionListRequest | ThreadSectionCreateRequest | ThreadSectionUpdateRequest | ThreadSectionDeleteRequest | ThreadSearchRequest | ThreadSearchStreamRequest | ThreadSearchCancelRequest | ThreadSearchStreamCancelRequest | ThreadSearchOccurrencesRequest | ThreadLoadedListRequest | ThreadReadRequest | ThreadReadStateUpdateRequest | ThreadTurnsListRequest | ThreadItemsListRequest | ThreadItemsReadRequest | ThreadGuardianReviewRequest | ThreadInjectItemsRequest | ThreadPrepareApprovedPlanRequest | SkillsListRequest | SkillsExtraRootsSetRequest | HooksListRequest | MarketplaceAddRequest | MarketplaceRemoveRequest | MarketplaceUpgradeRequest | PluginListRequest | PluginSearchRequest | PluginInstalledRequest | PluginReconcileRequest | PluginReadRequest | PluginSkillReadRequest | PluginShareSaveRequest | PluginShareUpdateTargetsRequest | PluginShareListRequest | PluginShareCheckoutRequest | PluginShareDeleteRequest | AppReadRequest | AppListRequest | AppInstalledRequest | FsReadFileRequest | FsWriteFileRequest | FsCreateDirectoryRequest | FsGetMetadataRequest | FsReadDirectoryRequest | FsRemoveRequest | FsCopyRequest | FsWatchRequest | FsUnwatchRequest | SkillsConfigWriteRequest | PluginInstallRequest | PluginUninstallRequest | TurnStartRequest | TurnSettingsUpdateRequest | TurnSteerRequest | TurnInterruptRequest | ThreadRealtimeStartRequest | ThreadRealtimeAppendAudioRequest | ThreadRealtimeAppendTextRequest | ThreadRealtimeAppendSpeechRequest | ThreadRealtimeStopRequest | ThreadTimelineListRequest | ThreadRealtimeListRequest | ThreadRealtimeListVoicesRequest | ReviewStartRequest | ModelListRequest | AccountGatewayOAuthReadRequest | AccountGatewayOAuthLoginRequest | AccountGatewayOAuthCancelRequest | ModelProviderListRequest | ModelProviderConfigWriteRequest | ModelProviderDefaultSetRequest | ModelProviderCapabilitiesReadRequest | ExperimentalFeatureListRequest | PermissionProfileListRequest | ExperimentalFeatureEnablementSetRequest | RemoteControlEnableRequest | RemoteControlDisableRequest | RemoteControlStatusReadRequest | RemoteControlPairingStartRequest | RemoteControlPairingStatusRequest | RemoteControlClientListRequest | RemoteControlClientRevokeRequest | CollaborationModeListRequest | MockExperimentalMethodRequest | EnvironmentAddRequest | EnvironmentInfoRequest | EnvironmentStatusRequest | McpServerOauthLoginRequest | ConfigMcpServerReloadRequest | McpServerStatusListRequest | McpServerResourceReadRequest | McpServerEventStreamStartRequest | McpServerEventStreamStopRequest | McpServerToolCallRequest | WindowsSandboxSetupStartRequest | WindowsSandboxReadinessRequest | AccountLoginStartRequest | AccountBedrockDiscoverRequest | AccountBedrockSetupRequest | AccountGcpSetupRequest | AccountBedrockCheckGovCloudRequirementsRequest | AccountLoginCancelRequest | AccountSessionListRequest | AccountSessionSwitchRequest | AccountLogoutRequest | AccountSecuritySetupReadRequest | AccountRateLimitsReadRequest | AccountRateLimitResetCreditConsumeRequest | AccountUsageReadRequest | AccountWorkspaceMessagesReadRequest | AccountSendAddCreditsNudgeEmailRequest | FeedbackUploadRequest | FeedbackSaveRequest | CommandExecRequest | CommandExecWriteRequest | CommandExecTerminateRequest | CommandExecResizeRequest | ProcessSpawnRequest | ProcessWriteStdinRequest | ProcessKillRequest | ProcessResizePtyRequest | ConfigReadRequest | ExternalAgentConfigDetectRequest | ExternalAgentConfigImportRequest | ExternalAgentConfigImportRecordHistoryRequest | ExternalAgentConfigImportReadHistoriesRequest | ConfigValueWriteRequest | ConfigBatchWriteRequest | ConfigRequirementsReadRequest | AccountReadRequest | FuzzyFileSearchRequest | FuzzyFileSearchSessionStartRequest | FuzzyFileSearchSessionUpdateRequest | FuzzyFileSearchSessionStopRequest"


class HttpConnectionFailedCodexErrorInfoHttpConnectionFailed(TypedDict):
    httpStatusCode: NotRequired[int | None]


class HttpConnectionFailedCodexErrorInfo(TypedDict):
    httpConnectionFailed: HttpConnectionFailedCodexErrorInfoHttpConnectionFailed


class ResponseStreamConnectionFailedCodexErrorInfoResponseStreamConnectionFailed(TypedDict):
    httpStatusCode: NotRequired[int | None]


class ResponseStreamConnectionFailedCodexErrorInfo(TypedDict):
    responseStreamConnectionFailed: ResponseStreamConnectionFailedCodexErrorInfoResponseStreamConnectionFailed


class ResponseStreamDisconnectedCodexErrorInfoResponseStreamDisconnected(TypedDict):
    httpStatusCode: NotRequired[int | None]


class ResponseStreamDisconnectedCodexErrorInfo(TypedDict):
    responseStreamDisconnected: ResponseStreamDisconnectedCodexErrorInfoResponseStreamDisconnected


class ResponseTooManyFailedAttemptsCodexErrorInfoResponseTooManyFailedAttempts(TypedDict):
    httpStatusCode: NotRequired[int | None]


class ResponseTooManyFailedAttemptsCodexErrorInfo(TypedDict):
    responseTooManyFailedAttempts: ResponseTooManyFailedAttemptsCodexErrorInfoResponseTooManyFailedAttempts


class ActiveTurnNotSteerableCodexErrorInfoActiveTurnNotSteerable(TypedDict):
    turnKind: NonSteerableTurnKind


class ActiveTurnNotSteerableCodexErrorInfo(TypedDict):
    activeTurnNotSteerable: ActiveTurnNotSteerableCodexErrorInfoActiveTurnNotSteerable


class CodexErrorInfo8(TypedDict):
    pass


CodexErrorInfo: TypeAlias = "Literal['contextWindowExceeded', 'sessionBudgetExceeded', 'usageLimitExceeded', 'rateLimitExceeded', 'flexUnavailable', 'serverOverloaded', 'modelNotFound', 'policyCapacityUnavailable', 'cyberPolicy', 'bioPolicy', 'misalignmentPolicyViolation', 'tooManyDenials', 'internalServerError', 'unauthorized', 'badRequest', 'threadRollbackFailed', 'sandboxError', 'other'] | Literal['inferenceHookDenied'] | HttpConnectionFailedCodexErrorInfo | ResponseStreamConnectionFailedCodexErrorInfo | ResponseStreamDisconnectedCodexErrorInfo | ResponseTooManyFailedAttemptsCodexErrorInfo | ActiveTurnNotSteerableCodexErrorInfo | str | CodexErrorInfo8"

CodexResponseHandoffMode: TypeAlias = "Literal['thinking', 'commentary', 'bemTags']"


class CollabAgentState(TypedDict):
    message: NotRequired[str | None]
    status: CollabAgentStatus


CollabAgentStatus: TypeAlias = (
    "Literal['pendingInit', 'running', 'interrupted', 'completed', 'errored', 'shutdown', 'notFound']"
)

CollabAgentTool: TypeAlias = "Literal['spawnAgent', 'sendInput', 'resumeAgent', 'wait', 'closeAgent', 'sendMessage', 'followupTask', 'interruptAgent', 'listAgents']"

CollabAgentToolCallStatus: TypeAlias = "Literal['inProgress', 'completed', 'failed', 'interrupted']"


class CollaborationMode(TypedDict):
    mode: ModeKind
    settings: Settings


class CollaborationModeListParams(TypedDict):
    pass


class CollaborationModeListResponse(TypedDict):
    data: list[CollaborationModeMask]


class CollaborationModeMask(TypedDict):
    mode: NotRequired[ModeKind | None]
    model: NotRequired[str | None]
    name: str
    reasoning_effort: NotRequired[ReasoningEffort | None | None]


class ReadCommandAction(TypedDict):
    command: str
    name: str
    path: LegacyAppPathString
    type: Literal["read"]


class ListFilesCommandAction(TypedDict):
    command: str
    path: NotRequired[str | None]
    type: Literal["listFiles"]


class SearchCommandAction(TypedDict):
    command: str
    path: NotRequired[str | None]
    query: NotRequired[str | None]
    type: Literal["search"]


class UnknownCommandAction(TypedDict):
    command: str
    type: Literal["unknown"]


CommandAction: TypeAlias = "ReadCommandAction | ListFilesCommandAction | SearchCommandAction | UnknownCommandAction"


class CommandExecOutputDeltaNotification(TypedDict):
    capReached: bool
    deltaBase64: str
    processId: str
    stream: CommandExecOutputStream


CommandExecOutputStream: TypeAlias = "Literal['stdout'] | Literal['stderr']"


class CommandExecParams(TypedDict):
    command: list[str]
    cwd: NotRequired[str | None]
    disableOutputCap: NotRequired[bool]
    disableTimeout: NotRequired[bool]
    env: NotRequired[dict[str, str | None] | None]
    outputBytesCap: NotRequired[int | None]
    permissionProfile: NotRequired[str | None]
    processId: NotRequired[str | None]
    sandboxPolicy: NotRequired[SandboxPolicy | None]
    size: NotRequired[CommandExecTerminalSize | None]
    streamStdin: NotRequired[bool]
    streamStdoutStderr: NotRequired[bool]
    timeoutMs: NotRequired[int | None]
    tty: NotRequired[bool]


class CommandExecResizeParams(TypedDict):
    processId: str
    size: CommandExecTerminalSize


class CommandExecResizeResponse(TypedDict):
    pass


class CommandExecResponse(TypedDict):
    exitCode: int
    stderr: str
    stdout: str


class CommandExecTerminalSize(TypedDict):
    cols: int
    rows: int


class CommandExecTerminateParams(TypedDict):
    processId: str


class CommandExecTerminateResponse(TypedDict):
    pass


class CommandExecWriteParams(TypedDict):
    closeStdin: NotRequired[bool]
    deltaBase64: NotRequired[str | None]
    processId: str


class CommandExecWriteResponse(TypedDict):
    pass


class AcceptWithExecpolicyAmendmentCommandExecutionApprovalDecisionAcceptWithExecpolicyAmendment(TypedDict):
    execpolicy_amendment: list[str]


class AcceptWithExecpolicyAmendmentCommandExecutionApprovalDecision(TypedDict):
    acceptWithExecpolicyAmendment: (
        AcceptWithExecpolicyAmendmentCommandExecutionApprovalDecisionAcceptWithExecpolicyAmendment
    )


class ApplyNetworkPolicyAmendmentCommandExecutionApprovalDecisionApplyNetworkPolicyAmendment(TypedDict):
    network_policy_amendment: NetworkPolicyAmendment


class ApplyNetworkPolicyAmendmentCommandExecutionApprovalDecision(TypedDict):
    applyNetworkPolicyAmendment: ApplyNetworkPolicyAmendmentCommandExecutionApprovalDecisionApplyNetworkPolicyAmendment


CommandExecutionApprovalDecision: TypeAlias = "Literal['accept'] | Literal['acceptForSession'] | AcceptWithExecpolicyAmendmentCommandExecutionApprovalDecision | ApplyNetworkPolicyAmendmentCommandExecutionApprovalDecision | Literal['decline'] | Literal['cancel']"

CommandExecutionApprovalKind: TypeAlias = "Literal['command', 'writeStdin'] | Literal['humanCommand']"


class CommandExecutionOutputDeltaNotification(TypedDict):
    delta: str
    itemId: str
    threadId: str
    turnId: str


class CommandExecutionRequestApprovalParams(TypedDict):
    additionalPermissions: NotRequired[AdditionalPermissionProfile | None]
    approvalId: NotRequired[str | None]
    availableDecisions: NotRequired[list[CommandExecutionApprovalDecision] | None]
    command: NotRequired[str | None]
    commandActions: NotRequired[list[CommandAction] | None]
    cwd: NotRequired[LegacyAppPathString | None]
    environmentId: NotRequired[str | None]
    itemId: str
    kind: NotRequired[CommandExecutionApprovalKind]
    networkApprovalContext: NotRequired[NetworkApprovalContext | None]
    proposedExecpolicyAmendment: NotRequired[list[str] | None]
    proposedNetworkPolicyAmendments: NotRequired[list[NetworkPolicyAmendment] | None]
    reason: NotRequired[str | None]
    startedAtMs: int
    threadId: str
    turnId: str


class CommandExecutionRequestApprovalResponse(TypedDict):
    decision: CommandExecutionApprovalDecision


CommandExecutionSource: TypeAlias = "Literal['agent', 'userShell', 'unifiedExecStartup', 'unifiedExecInteraction']"

CommandExecutionStatus: TypeAlias = "Literal['inProgress', 'completed', 'failed', 'declined']"


class CommandMigration(TypedDict):
    name: str


class ComputerUseConfig(TypedDict):
    default_app_access: NotRequired[AllowDenyRequirement | None]
    macos: NotRequired[ComputerUseMacosConfig | None]
    windows: NotRequired[ComputerUseWindowsConfig | None]


class ComputerUseMacosConfig(TypedDict):
    bundle_ids: NotRequired[dict[str, AllowDenyRequirement] | None]


class ComputerUseMacosRequirements(TypedDict):
    bundleIds: NotRequired[dict[str, AllowDenyRequirement] | None]


class ComputerUseRequirements(TypedDict):
    allowLockedComputerUse: NotRequired[bool | None]
    allowPersistentApproval: NotRequired[bool | None]
    defaultAppAccess: NotRequired[AllowDenyRequirement | None]
    macos: NotRequired[ComputerUseMacosRequirements | None]
    windows: NotRequired[ComputerUseWindowsRequirements | None]


class ComputerUseWindowsConfig(TypedDict):
    aumids: NotRequired[dict[str, AllowDenyRequirement] | None]
    exes: NotRequired[list[ComputerUseWindowsExeConfig] | None]


class ComputerUseWindowsExeConfig(TypedDict):
    access: AllowDenyRequirement
    binary_name: NotRequired[str | None]
    product_name: str
    publisher_name: str


class ComputerUseWindowsExeRequirement(TypedDict):
    access: AllowDenyRequirement
    binaryName: NotRequired[str | None]
    productName: str
    publisherName: str


class ComputerUseWindowsRequirements(TypedDict):
    aumids: NotRequired[dict[str, AllowDenyRequirement] | None]
    exes: NotRequired[list[ComputerUseWindowsExeRequirement] | None]


class Config(TypedDict):
    analytics: NotRequired[AnalyticsConfig | None]
    approval_policy: NotRequired[AskForApproval | None]
    approvals_reviewer: NotRequired[ApprovalsReviewer | None]
    apps: NotRequired[AppsConfig | None]
    browser_use: NotRequired[BrowserUseConfig | None]
    client_search_provider: NotRequired[WebSearchProvider | None]
    compact_prompt: NotRequired[str | None]
    computer_use: NotRequired[ComputerUseConfig | None]
    desktop: NotRequired[dict[str, Any] | None]
    developer_instructions: NotRequired[str | None]
    forced_chatgpt_workspace_id: NotRequired[ForcedChatgptWorkspaceIds | None]
    forced_login_method: NotRequired[ForcedLoginMethod | None]
    instructions: NotRequired[str | None]
    model: NotRequired[str | None]
    model_auto_compact_token_limit: NotRequired[int | None]
    model_auto_compact_token_limit_scope: NotRequired[AutoCompactTokenLimitScope | None]
    model_context_window: NotRequired[int | None]
    model_provider: NotRequired[str | None]
    model_reasoning_effort: NotRequired[ReasoningEffort | None]
    model_reasoning_summary: NotRequired[ReasoningSummary | None]
    model_verbosity: NotRequired[Verbosity | None]
    review_model: NotRequired[str | None]
    sandbox_mode: NotRequired[SandboxMode | None]
    sandbox_workspace_write: NotRequired[SandboxWorkspaceWrite | None]
    service_tier: NotRequired[str | None]
    tools: NotRequired[ToolsV2 | None]
    web_search: NotRequired[WebSearchMode | None]


class ConfigBatchWriteParams(TypedDict):
    edits: list[ConfigEdit]
    expectedVersion: NotRequired[str | None]
    filePath: NotRequired[str | None]
    reloadUserConfig: NotRequired[bool]


class ConfigEdit(TypedDict):
    keyPath: str
    mergeStrategy: MergeStrategy
    value: Any


class ConfigLayer(TypedDict):
    config: Any
    disabledReason: NotRequired[str | None]
    name: ConfigLayerSource
    version: str


class ConfigLayerMetadata(TypedDict):
    name: ConfigLayerSource
    version: str


class PackagedDefaultsConfigLayerSource(TypedDict):
    file: AbsolutePathBuf
    type: Literal["packagedDefaults"]


class MdmConfigLayerSource(TypedDict):
    domain: str
    key: str
    type: Literal["mdm"]


class SystemConfigLayerSource(TypedDict):
    file: AbsolutePathBuf
    type: Literal["system"]


class EnterpriseManagedConfigLayerSource(TypedDict):
    id: str
    name: str
    type: Literal["enterpriseManaged"]


class UserConfigLayerSource(TypedDict):
    file: AbsolutePathBuf
    profile: NotRequired[str | None]
    type: Literal["user"]


class ProjectConfigLayerSource(TypedDict):
    dotCodexFolder: AbsolutePathBuf
    type: Literal["project"]


class SessionFlagsConfigLayerSource(TypedDict):
    type: Literal["sessionFlags"]


class LegacyManagedConfigTomlFromFileConfigLayerSource(TypedDict):
    file: AbsolutePathBuf
    type: Literal["legacyManagedConfigTomlFromFile"]


class LegacyManagedConfigTomlFromMdmConfigLayerSource(TypedDict):
    type: Literal["legacyManagedConfigTomlFromMdm"]


ConfigLayerSource: TypeAlias = "PackagedDefaultsConfigLayerSource | MdmConfigLayerSource | SystemConfigLayerSource | EnterpriseManagedConfigLayerSource | UserConfigLayerSource | ProjectConfigLayerSource | SessionFlagsConfigLayerSource | LegacyManagedConfigTomlFromFileConfigLayerSource | LegacyManagedConfigTomlFromMdmConfigLayerSource"


class ConfigReadParams(TypedDict):
    cwd: NotRequired[str | None]
    includeLayers: NotRequired[bool]


class ConfigReadResponse(TypedDict):
    config: Config
    layers: NotRequired[list[ConfigLayer] | None]
    origins: dict[str, ConfigLayerMetadata]


class ConfigRequirements(TypedDict):
    additionalDeveloperInstructions: NotRequired[str | None]
    allowAppshots: NotRequired[bool | None]
    allowBrowserAndComputerUse: NotRequired[bool | None]
    allowLoginShell: NotRequired[bool | None]
    allowManagedHooksOnly: NotRequired[bool | None]
    allowRemoteControl: NotRequired[bool | None]
    allowedApprovalPolicies: NotRequired[list[AskForApproval] | None]
    allowedApprovalsReviewers: NotRequired[list[ApprovalsReviewer] | None]
    allowedLoginMethods: NotRequired[list[ForcedLoginMethod] | None]
    allowedPermissionProfiles: NotRequired[dict[str, bool] | None]
    allowedSandboxModes: NotRequired[list[SandboxMode] | None]
    allowedWebSearchModes: NotRequired[list[WebSearchMode] | None]
    allowedWindowsSandboxImplementations: NotRequired[list[WindowsSandboxImplementation] | None]
    application: NotRequired[ApplicationRequirements | None]
    autoReview: NotRequired[AutoReviewRequirements | None]
    browserUse: NotRequired[BrowserUseRequirements | None]
    chatgptBaseUrl: NotRequired[str | None]
    checkForUpdateOnStartup: NotRequired[bool | None]
    cliAuthCredentialsStore: NotRequired[CliAuthCredentialsStoreMode | None]
    computerUse: NotRequired[ComputerUseRequirements | None]
    defaultPermissions: NotRequired[str | None]
    enforceResidency: NotRequired[ResidencyRequirement | None]
    featureRequirements: NotRequired[dict[str, bool] | None]
    feedback: NotRequired[FeedbackRequirements | None]
    hooks: NotRequired[ManagedHooksRequirements | None]
    inAppBrowser: NotRequired[InAppBrowserRequirements | None]
    logDir: NotRequired[str | None]
    modelCatalogJson: NotRequired[str | None]
    modelProvider: NotRequired[str | None]
    modelProviders: NotRequired[dict[str, Any] | None]
    models: NotRequired[ModelsRequirements | None]
    network: NotRequired[NetworkRequirements | None]
    otel: NotRequired[OtelRequirements | None]
    sqliteHome: NotRequired[str | None]


class ConfigRequirementsReadResponse(TypedDict):
    requirements: NotRequired[ConfigRequirements | None]
    supportsIndependentSpeedModes: NotRequired[bool | None]


class ConfigValueWriteParams(TypedDict):
    expectedVersion: NotRequired[str | None]
    filePath: NotRequired[str | None]
    keyPath: str
    mergeStrategy: MergeStrategy
    value: Any


class ConfigWarningNotification(TypedDict):
    details: NotRequired[str | None]
    path: NotRequired[str | None]
    range: NotRequired[TextRange | None]
    summary: str


class ConfigWriteResponse(TypedDict):
    filePath: AbsolutePathBuf
    overriddenMetadata: NotRequired[OverriddenMetadata | None]
    status: WriteStatus
    version: str


class ConfigurationReasoning(TypedDict):
    effort: ReasoningEffort


CommandConfiguredHookHandler = TypedDict(
    "CommandConfiguredHookHandler",
    {
        "additionalContextLimit": "NotRequired[int | None]",
        "async": "bool",
        "command": "str",
        "commandWindows": "NotRequired[str | None]",
        "statusMessage": "NotRequired[str | None]",
        "timeoutSec": "NotRequired[int | None]",
        "type": "Literal['command']",
    },
)


class McpToolConfiguredHookHandler(TypedDict):
    input: dict[str, Any]
    server: str
    statusMessage: NotRequired[str | None]
    timeoutSec: NotRequired[int | None]
    tool: str
    type: Literal["mcp_tool"]


class PromptConfiguredHookHandler(TypedDict):
    type: Literal["prompt"]


class AgentConfiguredHookHandler(TypedDict):
    type: Literal["agent"]


ConfiguredHookHandler: TypeAlias = "CommandConfiguredHookHandler | McpToolConfiguredHookHandler | PromptConfiguredHookHandler | AgentConfiguredHookHandler"


class ConfiguredHookMatcherGroup(TypedDict):
    hooks: list[ConfiguredHookHandler]
    matcher: NotRequired[str | None]


class ConnectorMetadata(TypedDict):
    description: NotRequired[str | None]
    distributionChannel: NotRequired[str | None]
    iconUrl: NotRequired[str | None]
    iconUrlDark: NotRequired[str | None]
    id: str
    installUrl: NotRequired[str | None]
    name: str
    pluginDisplayNames: NotRequired[list[str]]
    toolSummaries: NotRequired[list[AppToolSummary] | None]


ConsumeAccountRateLimitResetCreditOutcome: TypeAlias = (
    "Literal['reset'] | Literal['nothingToReset'] | Literal['noCredit'] | Literal['alreadyRedeemed']"
)


class ConsumeAccountRateLimitResetCreditParams(TypedDict):
    creditId: NotRequired[str | None]
    idempotencyKey: str


class ConsumeAccountRateLimitResetCreditResponse(TypedDict):
    outcome: ConsumeAccountRateLimitResetCreditOutcome


class InputTextContentItem(TypedDict):
    text: str
    type: Literal["input_text"]


class ImageUrlContentItem(TypedDict):
    detail: NotRequired[ImageDetail | None]
    type: Literal["input_image"]
    image_url: str


class FileIdContentItem(TypedDict):
    detail: NotRequired[ImageDetail | None]
    type: Literal["input_image"]
    file_id: str


class AudioUrlContentItem(TypedDict):
    type: Literal["input_audio"]
    audio_url: str


class FileIdContentItem_(TypedDict):
    type: Literal["input_audio"]
    file_id: str


class OutputTextContentItem(TypedDict):
    annotations: NotRequired[list[Any] | None]
    logprobs: NotRequired[list[Any] | None]
    text: str
    type: Literal["output_text"]


ContentItem: TypeAlias = "InputTextContentItem | ImageUrlContentItem | FileIdContentItem | AudioUrlContentItem | FileIdContentItem_ | OutputTextContentItem"


class ContextCompactedNotification(TypedDict):
    threadId: str
    turnId: str


ConversationTextRole: TypeAlias = "Literal['user', 'developer', 'assistant']"


class CreditsSnapshot(TypedDict):
    balance: NotRequired[str | None]
    hasCredits: bool
    unlimited: bool


CyberAccessProgram: TypeAlias = "Literal['standard', 'daybreakBlue', 'daybreakRed']"


class DeprecationNoticeNotification(TypedDict):
    details: NotRequired[str | None]
    summary: str


DesktopOnboardingEntrypoint: TypeAlias = "Literal['life_sciences']"


class InputTextDynamicToolCallOutputContentItem(TypedDict):
    text: str
    type: Literal["inputText"]


class InputImageDynamicToolCallOutputContentItem(TypedDict):
    imageUrl: str
    type: Literal["inputImage"]


class InputAudioDynamicToolCallOutputContentItem(TypedDict):
    audioUrl: str
    type: Literal["inputAudio"]


DynamicToolCallOutputContentItem: TypeAlias = "InputTextDynamicToolCallOutputContentItem | InputImageDynamicToolCallOutputContentItem | InputAudioDynamicToolCallOutputContentItem"


class DynamicToolCallParams(TypedDict):
    arguments: Any
    callId: str
    namespace: NotRequired[str | None]
    threadId: str
    tool: str
    turnId: str


class DynamicToolCallResponse(TypedDict):
    contentItems: list[DynamicToolCallOutputContentItem]
    success: bool


DynamicToolCallStatus: TypeAlias = "Literal['inProgress', 'completed', 'failed']"


class FunctionDynamicToolNamespaceTool(TypedDict):
    deferLoading: NotRequired[bool]
    description: str
    inputSchema: Any
    name: str
    type: Literal["function"]


DynamicToolNamespaceTool: TypeAlias = "FunctionDynamicToolNamespaceTool"


class FunctionDynamicToolSpec(TypedDict):
    deferLoading: NotRequired[bool]
    description: str
    inputSchema: Any
    name: str
    type: Literal["function"]


class NamespaceDynamicToolSpec(TypedDict):
    description: str
    name: str
    tools: list[DynamicToolNamespaceTool]
    type: Literal["namespace"]


DynamicToolSpec: TypeAlias = "FunctionDynamicToolSpec | NamespaceDynamicToolSpec"


class EnvironmentAddParams(TypedDict):
    authBearerToken: NotRequired[str | None]
    connectTimeoutMs: NotRequired[int | None]
    environmentId: str
    execServerUrl: str
    skills: NotRequired[EnvironmentSkillsParams | None]
    websocketRequestId: NotRequired[str | None]


class EnvironmentAddResponse(TypedDict):
    pass


class EnvironmentConnectionNotification(TypedDict):
    environmentId: str
    threadId: str


class EnvironmentInfoParams(TypedDict):
    environmentId: str


class EnvironmentInfoResponse(TypedDict):
    cwd: NotRequired[PathUri | None]
    shell: EnvironmentShellInfo


class EnvironmentShellInfo(TypedDict):
    name: str
    path: str


class EnvironmentSkillsParams(TypedDict):
    required: NotRequired[list[str] | None]


EnvironmentStatusKind: TypeAlias = (
    "Literal['ready'] | Literal['pending'] | Literal['disconnected'] | Literal['unknown']"
)


class EnvironmentStatusParams(TypedDict):
    environmentId: str


class EnvironmentStatusResponse(TypedDict):
    error: NotRequired[str | None]
    status: EnvironmentStatusKind


class ErrorNotification(TypedDict):
    error: TurnError
    threadId: str
    turnId: str
    willRetry: bool


class ExecCommandApprovalParams(TypedDict):
    approvalId: NotRequired[str | None]
    callId: str
    command: list[str]
    conversationId: ThreadId
    cwd: str
    parsedCmd: list[ParsedCommand]
    reason: NotRequired[str | None]


class ExecCommandApprovalResponse(TypedDict):
    decision: ReviewDecision


class ExperimentalFeature(TypedDict):
    announcement: NotRequired[str | None]
    defaultEnabled: bool
    description: NotRequired[str | None]
    displayName: NotRequired[str | None]
    enabled: bool
    name: str
    stage: ExperimentalFeatureStage


class ExperimentalFeatureEnablementSetParams(TypedDict):
    enablement: dict[str, bool]


class ExperimentalFeatureEnablementSetResponse(TypedDict):
    enablement: dict[str, bool]


class ExperimentalFeatureListParams(TypedDict):
    cursor: NotRequired[str | None]
    limit: NotRequired[int | None]
    threadId: NotRequired[str | None]


class ExperimentalFeatureListResponse(TypedDict):
    data: list[ExperimentalFeature]
    nextCursor: NotRequired[str | None]


ExperimentalFeatureStage: TypeAlias = (
    "Literal['beta'] | Literal['underDevelopment'] | Literal['stable'] | Literal['deprecated'] | Literal['removed']"
)


class ExternalAgentConfigDetectParams(TypedDict):
    cwds: NotRequired[list[str] | None]
    includeHome: NotRequired[bool]
    maxSessionAgeDays: NotRequired[int | None]
    maxSessions: NotRequired[int | None]
    migrationSource: NotRequired[str | None]
    source: NotRequired[str | None]


class ExternalAgentConfigDetectResponse(TypedDict):
    connectors: NotRequired[list[ExternalAgentDetectedConnectorCandidate]]
    items: list[ExternalAgentConfigMigrationItem]


class ExternalAgentConfigImportCompletedNotification(TypedDict):
    importId: str
    itemTypeResults: list[ExternalAgentConfigImportTypeResult]


class ExternalAgentConfigImportHistoriesReadResponse(TypedDict):
    connectors: list[ExternalAgentImportedConnectorCandidate]
    data: list[ExternalAgentConfigImportHistory]


class ExternalAgentConfigImportHistory(TypedDict):
    completedAtMs: int
    failures: list[ExternalAgentConfigImportItemTypeFailure]
    importId: str
    providerId: NotRequired[str | None]
    successes: list[ExternalAgentConfigImportItemTypeSuccess]


class ExternalAgentConfigImportHistoryRecordParams(TypedDict):
    itemTypeResults: list[ExternalAgentConfigImportHistoryRecordTypeResultParams]
    providerId: str


class ExternalAgentConfigImportHistoryRecordResponse(TypedDict):
    importId: str


class ExternalAgentConfigImportHistoryRecordSuccessParams(TypedDict):
    cwd: NotRequired[str | None]
    itemType: ExternalAgentConfigMigrationItemType
    source: NotRequired[str | None]
    target: NotRequired[str | None]
    title: NotRequired[str | None]


class ExternalAgentConfigImportHistoryRecordTypeResultParams(TypedDict):
    failures: list[ExternalAgentConfigImportItemTypeFailure]
    itemType: ExternalAgentConfigMigrationItemType
    successes: list[ExternalAgentConfigImportHistoryRecordSuccessParams]


class ExternalAgentConfigImportItemTypeFailure(TypedDict):
    cwd: NotRequired[str | None]
    errorType: NotRequired[str | None]
    failureStage: str
    itemType: ExternalAgentConfigMigrationItemType
    message: str
    source: NotRequired[str | None]
    subErrorType: NotRequired[str | None]


class ExternalAgentConfigImportItemTypeSuccess(TypedDict):
    cwd: NotRequired[str | None]
    itemType: ExternalAgentConfigMigrationItemType
    source: NotRequired[str | None]
    target: NotRequired[str | None]
    title: NotRequired[str | None]


class ExternalAgentConfigImportParams(TypedDict):
    migrationItems: list[ExternalAgentConfigMigrationItem]
    migrationSource: NotRequired[str | None]
    providerId: NotRequired[str | None]
    source: NotRequired[str | None]


class ExternalAgentConfigImportProgressNotification(TypedDict):
    importId: str
    itemTypeResults: list[ExternalAgentConfigImportTypeResult]


class ExternalAgentConfigImportResponse(TypedDict):
    importId: str


class ExternalAgentConfigImportTypeResult(TypedDict):
    failures: list[ExternalAgentConfigImportItemTypeFailure]
    itemType: ExternalAgentConfigMigrationItemType
    successes: list[ExternalAgentConfigImportItemTypeSuccess]


class ExternalAgentConfigMigrationItem(TypedDict):
    cwd: NotRequired[str | None]
    description: str
    details: NotRequired[MigrationDetails | None]
    itemType: ExternalAgentConfigMigrationItemType


ExternalAgentConfigMigrationItemType: TypeAlias = "Literal['AGENTS_MD', 'CONFIG', 'SKILLS', 'PLUGINS', 'MCP_SERVER_CONFIG', 'SUBAGENTS', 'HOOKS', 'COMMANDS', 'MEMORY', 'SESSIONS']"


class ExternalAgentDetectedConnectorCandidate(TypedDict):
    name: str
    sessionCount: int
    source: ExternalAgentDetectedConnectorSource


ExternalAgentDetectedConnectorSource: TypeAlias = "Literal['remoteMcpServersConfig', 'sessionToolUse']"


class ExternalAgentImportedConnectorCandidate(TypedDict):
    name: str
    sessionCount: int
    source: ExternalAgentImportedConnectorSource


ExternalAgentImportedConnectorSource: TypeAlias = "Literal['remoteMcpServersConfig']"


class FeedbackRequirements(TypedDict):
    enabled: NotRequired[bool | None]


class FeedbackSaveParams(TypedDict):
    classification: str
    extraLogFiles: NotRequired[list[str] | None]
    includeLogs: NotRequired[bool]
    reason: NotRequired[str | None]
    savePath: LegacyAppPathString
    tags: NotRequired[dict[str, str] | None]
    threadId: NotRequired[str | None]


class FeedbackSaveResponse(TypedDict):
    promptHash: NotRequired[str | None]
    savedPath: LegacyAppPathString
    threadId: str


class FeedbackUploadParams(TypedDict):
    classification: str
    extraLogFiles: NotRequired[list[str] | None]
    includeLogs: NotRequired[bool]
    reason: NotRequired[str | None]
    tags: NotRequired[dict[str, str] | None]
    threadId: NotRequired[str | None]


class FeedbackUploadResponse(TypedDict):
    promptHash: NotRequired[str | None]
    threadId: str


class AddFileChange(TypedDict):
    content: str
    type: Literal["add"]


class DeleteFileChange(TypedDict):
    content: str
    type: Literal["delete"]


class UpdateFileChange(TypedDict):
    move_path: NotRequired[str | None]
    type: Literal["update"]
    unified_diff: str


FileChange: TypeAlias = "AddFileChange | DeleteFileChange | UpdateFileChange"

FileChangeApprovalDecision: TypeAlias = (
    "Literal['accept'] | Literal['acceptForSession'] | Literal['decline'] | Literal['cancel']"
)


class FileChangeOutputDeltaNotification(TypedDict):
    delta: str
    itemId: str
    threadId: str
    turnId: str


class FileChangePatchUpdatedNotification(TypedDict):
    changes: list[FileUpdateChange]
    itemId: str
    threadId: str
    turnId: str


class FileChangeRequestApprovalParams(TypedDict):
    grantRoot: NotRequired[str | None]
    itemId: str
    reason: NotRequired[str | None]
    startedAtMs: int
    threadId: str
    turnId: str


class FileChangeRequestApprovalResponse(TypedDict):
    decision: FileChangeApprovalDecision


FileSystemAccessMode: TypeAlias = "Literal['read', 'write', 'deny']"


class PathFileSystemPath(TypedDict):
    path: LegacyAppPathString
    type: Literal["path"]


class GlobPatternFileSystemPath(TypedDict):
    pattern: str
    type: Literal["glob_pattern"]


class SpecialFileSystemPath(TypedDict):
    type: Literal["special"]
    value: FileSystemSpecialPath


FileSystemPath: TypeAlias = "PathFileSystemPath | GlobPatternFileSystemPath | SpecialFileSystemPath"


class FileSystemSandboxEntry(TypedDict):
    access: FileSystemAccessMode
    path: FileSystemPath


class RootFileSystemSpecialPath(TypedDict):
    kind: Literal["root"]


class MinimalFileSystemSpecialPath(TypedDict):
    kind: Literal["minimal"]


class KindFileSystemSpecialPath(TypedDict):
    kind: Literal["project_roots"]
    subpath: NotRequired[LegacyAppPathString | None]


class TmpdirFileSystemSpecialPath(TypedDict):
    kind: Literal["tmpdir"]


class SlashTmpFileSystemSpecialPath(TypedDict):
    kind: Literal["slash_tmp"]


class FileSystemSpecialPath6(TypedDict):
    kind: Literal["unknown"]
    path: str
    subpath: NotRequired[LegacyAppPathString | None]


FileSystemSpecialPath: TypeAlias = "RootFileSystemSpecialPath | MinimalFileSystemSpecialPath | KindFileSystemSpecialPath | TmpdirFileSystemSpecialPath | SlashTmpFileSystemSpecialPath | FileSystemSpecialPath6"


class FileUpdateChange(TypedDict):
    diff: str
    kind: PatchChangeKind
    path: str


ForcedChatgptWorkspaceIds: TypeAlias = "str | list[str]"

ForcedLoginMethod: TypeAlias = "Literal['chatgpt', 'api']"


class FsChangedNotification(TypedDict):
    changedPaths: list[AbsolutePathBuf]
    watchId: str


class FsCopyParams(TypedDict):
    destinationPath: AbsolutePathBuf
    recursive: NotRequired[bool]
    sourcePath: AbsolutePathBuf


class FsCopyResponse(TypedDict):
    pass


class FsCreateDirectoryParams(TypedDict):
    path: AbsolutePathBuf
    recursive: NotRequired[bool | None]


class FsCreateDirectoryResponse(TypedDict):
    pass


class FsGetMetadataParams(TypedDict):
    path: AbsolutePathBuf


class FsGetMetadataResponse(TypedDict):
    createdAtMs: int
    isDirectory: bool
    isFile: bool
    isSymlink: bool
    modifiedAtMs: int


class FsReadDirectoryEntry(TypedDict):
    fileName: str
    isDirectory: bool
    isFile: bool


class FsReadDirectoryParams(TypedDict):
    path: AbsolutePathBuf


class FsReadDirectoryResponse(TypedDict):
    entries: list[FsReadDirectoryEntry]


class FsReadFileParams(TypedDict):
    path: AbsolutePathBuf


class FsReadFileResponse(TypedDict):
    dataBase64: str


class FsRemoveParams(TypedDict):
    force: NotRequired[bool | None]
    path: AbsolutePathBuf
    recursive: NotRequired[bool | None]


class FsRemoveResponse(TypedDict):
    pass


class FsUnwatchParams(TypedDict):
    watchId: str


class FsUnwatchResponse(TypedDict):
    pass


class FsWatchParams(TypedDict):
    path: AbsolutePathBuf
    watchId: str


class FsWatchResponse(TypedDict):
    path: AbsolutePathBuf


class FsWriteFileParams(TypedDict):
    dataBase64: str
    path: AbsolutePathBuf


class FsWriteFileResponse(TypedDict):
    pass


FunctionCallOutputBody: TypeAlias = "str | list[FunctionCallOutputContentItem]"


class InputTextFunctionCallOutputContentItem(TypedDict):
    text: str
    type: Literal["input_text"]


class ImageUrlFunctionCallOutputContentItem(TypedDict):
    detail: NotRequired[ImageDetail | None]
    type: Literal["input_image"]
    image_url: str


class FileIdFunctionCallOutputContentItem(TypedDict):
    detail: NotRequired[ImageDetail | None]
    type: Literal["input_image"]
    file_id: str


class AudioUrlFunctionCallOutputContentItem(TypedDict):
    type: Literal["input_audio"]
    audio_url: str


class FileIdFunctionCallOutputContentItem_(TypedDict):
    type: Literal["input_audio"]
    file_id: str


class EncryptedContentFunctionCallOutputContentItem(TypedDict):
    encrypted_content: str
    type: Literal["encrypted_content"]


FunctionCallOutputContentItem: TypeAlias = "InputTextFunctionCallOutputContentItem | ImageUrlFunctionCallOutputContentItem | FileIdFunctionCallOutputContentItem | AudioUrlFunctionCallOutputContentItem | FileIdFunctionCallOutputContentItem_ | EncryptedContentFunctionCallOutputContentItem"

FuzzyFileSearchMatchType: TypeAlias = "Literal['file', 'directory']"


class FuzzyFileSearchParams(TypedDict):
    cancellationToken: NotRequired[str | None]
    query: str
    roots: list[str]


class FuzzyFileSearchResponse(TypedDict):
    files: list[FuzzyFileSearchResult]


class FuzzyFileSearchResult(TypedDict):
    file_name: str
    indices: NotRequired[list[int] | None]
    match_type: FuzzyFileSearchMatchType
    path: str
    root: str
    score: int


class FuzzyFileSearchSessionCompletedNotification(TypedDict):
    sessionId: str


class FuzzyFileSearchSessionStartParams(TypedDict):
    roots: list[str]
    sessionId: str


class FuzzyFileSearchSessionStartResponse(TypedDict):
    pass


class FuzzyFileSearchSessionStopParams(TypedDict):
    sessionId: str


class FuzzyFileSearchSessionStopResponse(TypedDict):
    pass


class FuzzyFileSearchSessionUpdateParams(TypedDict):
    query: str
    sessionId: str


class FuzzyFileSearchSessionUpdateResponse(TypedDict):
    pass


class FuzzyFileSearchSessionUpdatedNotification(TypedDict):
    files: list[FuzzyFileSearchResult]
    query: str
    sessionId: str


class NoneGatewayAuth(TypedDict):
    mode: Literal["none"]


class GatewayAuth2(TypedDict):
    envKey: str
    mode: Literal["environmentVariable"]


class ModeGatewayAuth(TypedDict):
    envKey: NotRequired[str | None]
    mode: Literal["externallyConfigured"]


GatewayAuth: TypeAlias = "NoneGatewayAuth | GatewayAuth2 | ModeGatewayAuth"


class GatewayOAuthCancelResponse(TypedDict):
    pass


class GatewayOAuthChangedNotification(TypedDict):
    authUrl: NotRequired[str | None]
    error: NotRequired[str | None]
    loginId: NotRequired[str | None]
    providerId: str
    status: GatewayOAuthStatus


class GatewayOAuthLoginParams(TypedDict):
    deviceAuth: NotRequired[bool]
    modelProvider: NotRequired[str | None]


class GatewayOAuthLoginResponse(TypedDict):
    prompt: NotRequired[GatewayOAuthPrompt | None]


class GatewayOAuthPrompt(TypedDict):
    loginId: str
    userCode: str
    verificationUrl: str


class GatewayOAuthReadParams(TypedDict):
    modelProvider: NotRequired[str | None]


class GatewayOAuthReadResponse(TypedDict):
    error: NotRequired[str | None]
    providerId: str
    providerName: str
    required: bool
    status: NotRequired[GatewayOAuthStatus | None]
    supportsDeviceAuth: NotRequired[bool]


GatewayOAuthStatus: TypeAlias = "Literal['notReady', 'started', 'succeeded', 'failed']"

GcpProviderId: TypeAlias = "Literal['gcp']"


class GcpSetupParams(TypedDict):
    credentialFile: NotRequired[str | None]
    location: NotRequired[str | None]
    projectId: str


class GcpSetupResponse(TypedDict):
    pass


class GetAccountParams(TypedDict):
    refreshToken: NotRequired[bool]


class GetAccountRateLimitsParams(TypedDict):
    excludeResetCreditDetails: NotRequired[bool]
    supportsLunaReserve: NotRequired[bool]


class GetAccountRateLimitsResponse(TypedDict):
    accountId: NotRequired[str | None]
    ordinaryUsageAllowed: NotRequired[bool | None]
    rateLimitResetCredits: NotRequired[RateLimitResetCreditsSummary | None]
    rateLimitUpsell: NotRequired[Any]
    rateLimits: RateLimitSnapshot
    rateLimitsByLimitId: NotRequired[dict[str, RateLimitSnapshot] | None]


class GetAccountResponse(TypedDict):
    account: NotRequired[Account | None]
    requiresOpenaiAuth: bool
    userId: NotRequired[str | None]
    workspaceRouting: NotRequired[WorkspaceRouting | None]


class GetAccountSecuritySetupResponse(TypedDict):
    notice: NotRequired[AccountSecuritySetupNotice | None]


class GetAccountTokenUsageParams(TypedDict):
    threadId: NotRequired[str | None]


class GetAccountTokenUsageResponse(TypedDict):
    dailyUsageBuckets: NotRequired[list[AccountTokenUsageDailyBucket] | None]
    summary: AccountTokenUsageSummary
    threadUsage: NotRequired[ThreadUsage | None]


class GetWorkspaceMessagesResponse(TypedDict):
    featureEnabled: bool
    messages: list[WorkspaceMessage]


class GitInfo(TypedDict):
    branch: NotRequired[str | None]
    originUrl: NotRequired[str | None]
    sha: NotRequired[str | None]


class GrantedPermissionProfile(TypedDict):
    fileSystem: NotRequired[AdditionalFileSystemPermissions | None]
    network: NotRequired[AdditionalNetworkPermissions | None]


class GuardianApprovalReview(TypedDict):
    rationale: NotRequired[str | None]
    riskLevel: NotRequired[GuardianRiskLevel | None]
    status: GuardianApprovalReviewStatus
    userAuthorization: NotRequired[GuardianUserAuthorization | None]


class CommandGuardianApprovalReviewAction(TypedDict):
    command: str
    cwd: LegacyAppPathString
    source: GuardianCommandSource
    type: Literal["command"]


class ExecveGuardianApprovalReviewAction(TypedDict):
    argv: list[str]
    cwd: AbsolutePathBuf
    program: str
    source: GuardianCommandSource
    type: Literal["execve"]


class WriteStdinGuardianApprovalReviewAction(TypedDict):
    approvalId: str
    cwd: LegacyAppPathString
    processId: str
    stdin: str
    type: Literal["writeStdin"]


class ApplyPatchGuardianApprovalReviewAction(TypedDict):
    cwd: LegacyAppPathString
    files: list[LegacyAppPathString]
    type: Literal["applyPatch"]


class NetworkAccessGuardianApprovalReviewAction(TypedDict):
    host: str
    port: int
    protocol: NetworkApprovalProtocol
    target: str
    type: Literal["networkAccess"]


class McpToolCallGuardianApprovalReviewAction(TypedDict):
    connectorId: NotRequired[str | None]
    connectorName: NotRequired[str | None]
    server: str
    toolName: str
    toolTitle: NotRequired[str | None]
    type: Literal["mcpToolCall"]


class RequestPermissionsGuardianApprovalReviewAction(TypedDict):
    permissions: RequestPermissionProfile
    reason: NotRequired[str | None]
    type: Literal["requestPermissions"]


GuardianApprovalReviewAction: TypeAlias = "CommandGuardianApprovalReviewAction | ExecveGuardianApprovalReviewAction | WriteStdinGuardianApprovalReviewAction | ApplyPatchGuardianApprovalReviewAction | NetworkAccessGuardianApprovalReviewAction | McpToolCallGuardianApprovalReviewAction | RequestPermissionsGuardianApprovalReviewAction"

GuardianApprovalReviewStatus: TypeAlias = "Literal['inProgress', 'approved', 'denied', 'timedOut', 'aborted']"

GuardianAssessmentOutcome: TypeAlias = "Literal['allow', 'deny']"

GuardianCommandSource: TypeAlias = "Literal['shell', 'unifiedExec']"

GuardianRiskLevel: TypeAlias = "Literal['low', 'medium', 'high', 'critical']"

GuardianUserAuthorization: TypeAlias = "Literal['unknown', 'low', 'medium', 'high']"


class GuardianWarningNotification(TypedDict):
    message: str
    threadId: str


HelplineSubject: TypeAlias = "Literal['answer', 'prompt']"


class HookCompletedNotification(TypedDict):
    run: HookRunSummary
    threadId: str
    turnId: NotRequired[str | None]


class HookErrorInfo(TypedDict):
    message: str
    path: str


HookEventName: TypeAlias = "Literal['preModelRequest', 'postModelRequest', 'preToolUse', 'permissionRequest', 'postToolUse', 'preCompact', 'postCompact', 'sessionStart', 'sessionEnd', 'userPromptSubmit', 'subagentStart', 'subagentStop', 'stop', 'interrupt']"

HookExecutionMode: TypeAlias = "Literal['sync', 'async']"

HookHandlerType: TypeAlias = "Literal['command', 'mcpTool', 'prompt', 'agent']"

HookMetadata1 = TypedDict(
    "HookMetadata1",
    {
        "additionalContextLimit": "NotRequired[int | None]",
        "currentHash": "str",
        "displayOrder": "int",
        "enabled": "bool",
        "environmentId": "NotRequired[str | None]",
        "eventName": "HookEventName",
        "isManaged": "bool",
        "key": "str",
        "matcher": "NotRequired[str | None]",
        "pluginId": "NotRequired[str | None]",
        "source": "HookSource",
        "sourcePath": "AbsolutePathBuf",
        "statusMessage": "NotRequired[str | None]",
        "timeoutSec": "int",
        "trustStatus": "HookTrustStatus",
        "async": "NotRequired[bool]",
        "command": "str",
        "handlerType": "Literal['command']",
    },
)


class HookMetadata2(TypedDict):
    additionalContextLimit: NotRequired[int | None]
    currentHash: str
    displayOrder: int
    enabled: bool
    environmentId: NotRequired[str | None]
    eventName: HookEventName
    isManaged: bool
    key: str
    matcher: NotRequired[str | None]
    pluginId: NotRequired[str | None]
    source: HookSource
    sourcePath: AbsolutePathBuf
    statusMessage: NotRequired[str | None]
    timeoutSec: int
    trustStatus: HookTrustStatus
    handlerType: Literal["mcpTool"]
    server: str
    tool: str


class PromptHookMetadata(TypedDict):
    additionalContextLimit: NotRequired[int | None]
    currentHash: str
    displayOrder: int
    enabled: bool
    environmentId: NotRequired[str | None]
    eventName: HookEventName
    isManaged: bool
    key: str
    matcher: NotRequired[str | None]
    pluginId: NotRequired[str | None]
    source: HookSource
    sourcePath: AbsolutePathBuf
    statusMessage: NotRequired[str | None]
    timeoutSec: int
    trustStatus: HookTrustStatus
    handlerType: Literal["prompt"]


class AgentHookMetadata(TypedDict):
    additionalContextLimit: NotRequired[int | None]
    currentHash: str
    displayOrder: int
    enabled: bool
    environmentId: NotRequired[str | None]
    eventName: HookEventName
    isManaged: bool
    key: str
    matcher: NotRequired[str | None]
    pluginId: NotRequired[str | None]
    source: HookSource
    sourcePath: AbsolutePathBuf
    statusMessage: NotRequired[str | None]
    timeoutSec: int
    trustStatus: HookTrustStatus
    handlerType: Literal["agent"]


HookMetadata: TypeAlias = "HookMetadata1 | HookMetadata2 | PromptHookMetadata | AgentHookMetadata"


class HookMigration(TypedDict):
    name: str


class HookOutputEntry(TypedDict):
    kind: HookOutputEntryKind
    text: str


HookOutputEntryKind: TypeAlias = "Literal['warning', 'stop', 'feedback', 'context', 'error']"


class HookPromptFragment(TypedDict):
    hookRunId: str
    text: str


HookRunStatus: TypeAlias = "Literal['running', 'completed', 'failed', 'blocked', 'stopped']"


class HookRunSummary(TypedDict):
    completedAt: NotRequired[int | None]
    displayOrder: int
    durationMs: NotRequired[int | None]
    entries: list[HookOutputEntry]
    eventName: HookEventName
    executionMode: HookExecutionMode
    handlerType: HookHandlerType
    id: str
    scope: HookScope
    source: NotRequired[HookSource]
    sourcePath: LegacyAppPathString
    startedAt: int
    status: HookRunStatus
    statusMessage: NotRequired[str | None]


HookScope: TypeAlias = "Literal['thread', 'turn']"

HookSource: TypeAlias = "Literal['system', 'user', 'project', 'mdm', 'sessionFlags', 'plugin', 'cloudRequirements', 'cloudManagedConfig', 'legacyManagedConfigFile', 'legacyManagedConfigMdm', 'unknown']"


class HookStartedNotification(TypedDict):
    run: HookRunSummary
    threadId: str
    turnId: NotRequired[str | None]


HookTrustStatus: TypeAlias = "Literal['managed', 'untrusted', 'trusted', 'modified']"


class HooksListEntry(TypedDict):
    cwd: str
    errors: list[HookErrorInfo]
    hooks: list[HookMetadata]
    warnings: list[str]


class HooksListParams(TypedDict):
    cwds: NotRequired[list[str]]
    threadId: NotRequired[str | None]


class HooksListResponse(TypedDict):
    data: list[HooksListEntry]


ImageDetail: TypeAlias = "Literal['auto', 'low', 'high', 'original']"


class UsageLimitExceededImageGenerationFailure(TypedDict):
    limitId: str
    resetsAt: NotRequired[int | None]
    type: Literal["usageLimitExceeded"]


ImageGenerationFailure: TypeAlias = "UsageLimitExceededImageGenerationFailure"


class ImageGenerationInputImage(TypedDict):
    path: AbsolutePathBuf
    sha256: str


class InAppBrowserRequirements(TypedDict):
    allowExternalBrowserSettingsImport: NotRequired[bool | None]


class InitializeCapabilities(TypedDict):
    experimentalApi: NotRequired[bool]
    explicitGatewayOauth: NotRequired[bool]
    extensions: NotRequired[dict[str, Any] | None]
    mcpServerOpenaiFormElicitation: NotRequired[bool]
    optOutNotificationMethods: NotRequired[list[str] | None]
    requestAttestation: NotRequired[bool]
    requiredHumanApproval: NotRequired[bool]


class InitializeParams(TypedDict):
    capabilities: NotRequired[InitializeCapabilities | None]
    clientInfo: ClientInfo


class InitializeResponse(TypedDict):
    codexHome: AbsolutePathBuf
    platformFamily: str
    platformOs: str
    userAgent: str


InputModality: TypeAlias = "Literal['text'] | Literal['image'] | Literal['audio']"


class InstalledApp(TypedDict):
    callable: bool
    enabled: bool
    id: str
    runtimeName: NotRequired[str | None]


class InternalChatMessageMetadataPassthrough(TypedDict):
    turn_id: NotRequired[str | None]


class ItemCompletedNotification(TypedDict):
    completedAtMs: int
    contentTokenCount: NotRequired[int | None]
    item: ThreadItem
    threadId: str
    turnId: str


class ItemGuardianApprovalReviewCompletedNotification(TypedDict):
    action: GuardianApprovalReviewAction
    completedAtMs: int
    decisionSource: AutoReviewDecisionSource
    review: GuardianApprovalReview
    reviewId: str
    startedAtMs: int
    targetItemId: NotRequired[str | None]
    threadId: str
    turnId: str


class ItemGuardianApprovalReviewStartedNotification(TypedDict):
    action: GuardianApprovalReviewAction
    review: GuardianApprovalReview
    reviewId: str
    startedAtMs: int
    targetItemId: NotRequired[str | None]
    threadId: str
    turnId: str


class ItemStartedNotification(TypedDict):
    item: ThreadItem
    startedAtMs: int
    threadId: str
    turnId: str


class JSONRPCError(TypedDict):
    error: JSONRPCErrorError
    id: RequestId


class JSONRPCErrorError(TypedDict):
    code: int
    data: NotRequired[Any]
    message: str


JSONRPCMessage: TypeAlias = "JSONRPCRequest | JSONRPCNotification | JSONRPCResponse | JSONRPCError"


class JSONRPCNotification(TypedDict):
    method: str
    params: NotRequired[Any]


class JSONRPCRequest(TypedDict):
    id: RequestId
    method: str
    params: NotRequired[Any]
    trace: NotRequired[W3cTraceContext | None]


class JSONRPCResponse(TypedDict):
    id: RequestId
    result: Any


LegacyAppPathString: TypeAlias = "str"


class ListMcpServerStatusParams(TypedDict):
    cursor: NotRequired[str | None]
    detail: NotRequired[McpServerStatusDetail | None]
    environmentId: NotRequired[str | None]
    limit: NotRequired[int | None]
    serverName: NotRequired[str | None]
    threadId: NotRequired[str | None]


class ListMcpServerStatusResponse(TypedDict):
    data: list[McpServerStatus]
    nextCursor: NotRequired[str | None]


class ExecLocalShellAction(TypedDict):
    command: list[str]
    env: NotRequired[dict[str, str] | None]
    timeout_ms: NotRequired[int | None]
    type: Literal["exec"]
    user: NotRequired[str | None]
    working_directory: NotRequired[str | None]


LocalShellAction: TypeAlias = "ExecLocalShellAction"

LocalShellStatus: TypeAlias = "Literal['completed', 'in_progress', 'incomplete']"


class ApiKeyv2LoginAccountParams(TypedDict):
    apiKey: str
    type: Literal["apiKey"]


class Chatgptv2LoginAccountParams(TypedDict):
    appBrand: NotRequired[LoginAppBrand | None]
    codexStreamlinedLogin: NotRequired[bool]
    type: Literal["chatgpt"]
    useHostedLoginSuccessPage: NotRequired[bool]


class ChatgptDeviceCodev2LoginAccountParams(TypedDict):
    type: Literal["chatgptDeviceCode"]


class ChatgptAuthTokensv2LoginAccountParams(TypedDict):
    accessToken: str
    chatgptAccountId: str
    chatgptPlanType: NotRequired[str | None]
    type: Literal["chatgptAuthTokens"]


class AmazonBedrockv2LoginAccountParams(TypedDict):
    apiKey: str
    region: str
    type: Literal["amazonBedrock"]


class AmazonBedrockAccessKeysv2LoginAccountParams(TypedDict):
    accessKeyId: str
    region: str
    secretAccessKey: str
    sessionToken: NotRequired[str | None]
    type: Literal["amazonBedrockAccessKeys"]


LoginAccountParams: TypeAlias = "ApiKeyv2LoginAccountParams | Chatgptv2LoginAccountParams | ChatgptDeviceCodev2LoginAccountParams | ChatgptAuthTokensv2LoginAccountParams | AmazonBedrockv2LoginAccountParams | AmazonBedrockAccessKeysv2LoginAccountParams"


class ApiKeyv2LoginAccountResponse(TypedDict):
    type: Literal["apiKey"]


class Chatgptv2LoginAccountResponse(TypedDict):
    authUrl: str
    loginId: str
    type: Literal["chatgpt"]


class ChatgptDeviceCodev2LoginAccountResponse(TypedDict):
    loginId: str
    type: Literal["chatgptDeviceCode"]
    userCode: str
    verificationUrl: str


class ChatgptAuthTokensv2LoginAccountResponse(TypedDict):
    type: Literal["chatgptAuthTokens"]


class AmazonBedrockv2LoginAccountResponse(TypedDict):
    type: Literal["amazonBedrock"]


LoginAccountResponse: TypeAlias = "ApiKeyv2LoginAccountResponse | Chatgptv2LoginAccountResponse | ChatgptDeviceCodev2LoginAccountResponse | ChatgptAuthTokensv2LoginAccountResponse | AmazonBedrockv2LoginAccountResponse"

LoginAppBrand: TypeAlias = "Literal['codex', 'chatgpt']"


class LogoutAccountResponse(TypedDict):
    pass


class ManagedHooksRequirements(TypedDict):
    Interrupt: NotRequired[list[ConfiguredHookMatcherGroup]]
    PermissionRequest: list[ConfiguredHookMatcherGroup]
    PostCompact: list[ConfiguredHookMatcherGroup]
    PostModelRequest: NotRequired[list[ConfiguredHookMatcherGroup]]
    PostToolUse: list[ConfiguredHookMatcherGroup]
    PreCompact: list[ConfiguredHookMatcherGroup]
    PreModelRequest: NotRequired[list[ConfiguredHookMatcherGroup]]
    PreToolUse: list[ConfiguredHookMatcherGroup]
    SessionEnd: NotRequired[list[ConfiguredHookMatcherGroup]]
    SessionStart: list[ConfiguredHookMatcherGroup]
    Stop: list[ConfiguredHookMatcherGroup]
    SubagentStart: list[ConfiguredHookMatcherGroup]
    SubagentStop: list[ConfiguredHookMatcherGroup]
    UserPromptSubmit: list[ConfiguredHookMatcherGroup]
    managedDir: NotRequired[str | None]
    windowsManagedDir: NotRequired[str | None]


class MarketplaceAddParams(TypedDict):
    refName: NotRequired[str | None]
    source: str
    sparsePaths: NotRequired[list[str] | None]


class MarketplaceAddResponse(TypedDict):
    alreadyAdded: bool
    installedRoot: AbsolutePathBuf
    marketplaceName: str


class MarketplaceInterface(TypedDict):
    displayName: NotRequired[str | None]


class MarketplaceLoadErrorInfo(TypedDict):
    marketplacePath: AbsolutePathBuf
    message: str


class MarketplaceRemoveParams(TypedDict):
    marketplaceName: str


class MarketplaceRemoveResponse(TypedDict):
    installedRoot: NotRequired[AbsolutePathBuf | None]
    marketplaceName: str


class MarketplaceUpgradeErrorInfo(TypedDict):
    marketplaceName: str
    message: str


class MarketplaceUpgradeParams(TypedDict):
    marketplaceName: NotRequired[str | None]


class MarketplaceUpgradeResponse(TypedDict):
    errors: list[MarketplaceUpgradeErrorInfo]
    selectedMarketplaces: list[str]
    upgradedRoots: list[AbsolutePathBuf]


McpAppDisplayMode: TypeAlias = "Literal['inline', 'fullscreen']"


class McpAppUi(TypedDict):
    preferredModelDisplayMode: McpAppDisplayMode
    resourceUri: str


McpAuthStatus: TypeAlias = "Literal['unknown', 'unsupported', 'notLoggedIn', 'bearerToken', 'oAuth']"

McpElicitationArrayType: TypeAlias = "Literal['array']"


class McpElicitationBooleanSchema(TypedDict):
    default: NotRequired[bool | None]
    description: NotRequired[str | None]
    title: NotRequired[str | None]
    type: McpElicitationBooleanType


McpElicitationBooleanType: TypeAlias = "Literal['boolean']"


class McpElicitationConstOption(TypedDict):
    const: str
    title: str


McpElicitationEnumSchema: TypeAlias = (
    "McpElicitationSingleSelectEnumSchema | McpElicitationMultiSelectEnumSchema | McpElicitationLegacyTitledEnumSchema"
)


class McpElicitationLegacyTitledEnumSchema(TypedDict):
    default: NotRequired[str | None]
    description: NotRequired[str | None]
    enum: list[str]
    enumNames: NotRequired[list[str] | None]
    title: NotRequired[str | None]
    type: McpElicitationStringType


McpElicitationMultiSelectEnumSchema: TypeAlias = (
    "McpElicitationUntitledMultiSelectEnumSchema | McpElicitationTitledMultiSelectEnumSchema"
)


class McpElicitationNumberSchema(TypedDict):
    default: NotRequired[float | None]
    description: NotRequired[str | None]
    maximum: NotRequired[float | None]
    minimum: NotRequired[float | None]
    title: NotRequired[str | None]
    type: McpElicitationNumberType


McpElicitationNumberType: TypeAlias = "Literal['number', 'integer']"

McpElicitationObjectType: TypeAlias = "Literal['object']"

McpElicitationPrimitiveSchema: TypeAlias = (
    "McpElicitationEnumSchema | McpElicitationStringSchema | McpElicitationNumberSchema | McpElicitationBooleanSchema"
)

McpElicitationSchema = TypedDict(
    "McpElicitationSchema",
    {
        "$schema": "NotRequired[str | None]",
        "properties": "dict[str, McpElicitationPrimitiveSchema]",
        "required": "NotRequired[list[str] | None]",
        "type": "McpElicitationObjectType",
    },
)

McpElicitationSingleSelectEnumSchema: TypeAlias = (
    "McpElicitationUntitledSingleSelectEnumSchema | McpElicitationTitledSingleSelectEnumSchema"
)

McpElicitationStringFormat: TypeAlias = "Literal['email', 'uri', 'date', 'date-time']"


class McpElicitationStringSchema(TypedDict):
    default: NotRequired[str | None]
    description: NotRequired[str | None]
    format: NotRequired[McpElicitationStringFormat | None]
    maxLength: NotRequired[int | None]
    minLength: NotRequired[int | None]
    title: NotRequired[str | None]
    type: McpElicitationStringType


McpElicitationStringType: TypeAlias = "Literal['string']"


class McpElicitationTitledEnumItems(TypedDict):
    anyOf: list[McpElicitationConstOption]


class McpElicitationTitledMultiSelectEnumSchema(TypedDict):
    default: NotRequired[list[str] | None]
    description: NotRequired[str | None]
    items: McpElicitationTitledEnumItems
    maxItems: NotRequired[int | None]
    minItems: NotRequired[int | None]
    title: NotRequired[str | None]
    type: McpElicitationArrayType


class McpElicitationTitledSingleSelectEnumSchema(TypedDict):
    default: NotRequired[str | None]
    description: NotRequired[str | None]
    oneOf: list[McpElicitationConstOption]
    title: NotRequired[str | None]
    type: McpElicitationStringType


class McpElicitationUntitledEnumItems(TypedDict):
    enum: list[str]
    type: McpElicitationStringType


class McpElicitationUntitledMultiSelectEnumSchema(TypedDict):
    default: NotRequired[list[str] | None]
    description: NotRequired[str | None]
    items: McpElicitationUntitledEnumItems
    maxItems: NotRequired[int | None]
    minItems: NotRequired[int | None]
    title: NotRequired[str | None]
    type: McpElicitationArrayType


class McpElicitationUntitledSingleSelectEnumSchema(TypedDict):
    default: NotRequired[str | None]
    description: NotRequired[str | None]
    enum: list[str]
    title: NotRequired[str | None]
    type: McpElicitationStringType


class McpResourceReadParams(TypedDict):
    _meta: NotRequired[dict[str, Any] | None]
    connectorId: NotRequired[str | None]
    environmentId: NotRequired[str | None]
    originCallId: NotRequired[str | None]
    server: str
    target: NotRequired[McpResourceReadTarget | None]
    threadId: NotRequired[str | None]
    uri: str


class McpResourceReadResponse(TypedDict):
    contents: list[ResourceContent]
    originCallId: NotRequired[str | None]


class McpResourceReadTarget(TypedDict):
    connectorId: str
    linkId: str | None


McpServerConnectionStatus: TypeAlias = (
    "Literal['notStarted', 'starting', 'connected', 'authenticationRequired', 'failed', 'cancelled', 'disabled']"
)

McpServerElicitationAction: TypeAlias = "Literal['accept', 'decline', 'cancel']"


class McpServerElicitationRequestParams1(TypedDict):
    environmentId: NotRequired[str | None]
    serverName: str
    threadId: str
    turnId: NotRequired[str | None]
    _meta: NotRequired[Any]
    challenge: str
    description: str
    mode: Literal["openai/userVerification"]
    title: str


class McpServerElicitationRequestParams2(TypedDict):
    environmentId: NotRequired[str | None]
    serverName: str
    threadId: str
    turnId: NotRequired[str | None]
    _meta: NotRequired[Any]
    message: str
    mode: Literal["form"]
    requestedSchema: McpElicitationSchema


class McpServerElicitationRequestParams3(TypedDict):
    environmentId: NotRequired[str | None]
    serverName: str
    threadId: str
    turnId: NotRequired[str | None]
    _meta: NotRequired[Any]
    message: str
    mode: Literal["openai/form"]
    requestedSchema: Any


class McpServerElicitationRequestParams4(TypedDict):
    environmentId: NotRequired[str | None]
    serverName: str
    threadId: str
    turnId: NotRequired[str | None]
    _meta: NotRequired[Any]
    message: str
    mode: Literal["openaiForm"]
    requestedSchema: Any


class McpServerElicitationRequestParams5(TypedDict):
    environmentId: NotRequired[str | None]
    serverName: str
    threadId: str
    turnId: NotRequired[str | None]
    _meta: NotRequired[Any]
    elicitationId: str
    message: str
    mode: Literal["url"]
    url: str


McpServerElicitationRequestParams: TypeAlias = "McpServerElicitationRequestParams1 | McpServerElicitationRequestParams2 | McpServerElicitationRequestParams3 | McpServerElicitationRequestParams4 | McpServerElicitationRequestParams5"


class McpServerElicitationRequestResponse(TypedDict):
    _meta: NotRequired[Any]
    action: McpServerElicitationAction
    content: NotRequired[Any]


class McpServerEventNotification(TypedDict):
    method: str
    params: Any


class McpServerEventStreamNotification(TypedDict):
    notification: McpServerEventNotification
    subscriptionId: str


class McpServerEventStreamStartParams(TypedDict):
    _meta: NotRequired[Any]
    arguments: Any
    name: str
    server: str
    subscriptionId: str
    threadId: str


class McpServerEventStreamStartResponse(TypedDict):
    pass


class McpServerEventStreamStopParams(TypedDict):
    subscriptionId: str


class McpServerEventStreamStopResponse(TypedDict):
    pass


class McpServerInfo(TypedDict):
    description: NotRequired[str | None]
    icons: NotRequired[list[Any] | None]
    name: str
    title: NotRequired[str | None]
    version: str
    websiteUrl: NotRequired[str | None]


class McpServerMigration(TypedDict):
    name: str


McpServerOauthClientRegistration: TypeAlias = "Literal['auto', 'cimd', 'dcr']"


class McpServerOauthLoginCompletedNotification(TypedDict):
    error: NotRequired[str | None]
    loginId: NotRequired[str | None]
    name: str
    success: bool
    threadId: NotRequired[str | None]


class McpServerOauthLoginParams(TypedDict):
    clientRegistration: NotRequired[McpServerOauthClientRegistration | None]
    environmentId: NotRequired[str | None]
    name: str
    scopes: NotRequired[list[str] | None]
    threadId: NotRequired[str | None]
    timeoutSecs: NotRequired[int | None]


class McpServerOauthLoginResponse(TypedDict):
    authorizationUrl: str
    loginId: NotRequired[str | None]


class McpServerRefreshResponse(TypedDict):
    pass


McpServerStartupFailureReason: TypeAlias = "Literal['reauthenticationRequired']"

McpServerStartupState: TypeAlias = "Literal['starting', 'ready', 'failed', 'cancelled']"


class McpServerStatus(TypedDict):
    authStatus: McpAuthStatus
    environmentId: NotRequired[str | None]
    httpOrigin: NotRequired[str | None]
    name: str
    pluginId: NotRequired[str | None]
    resourceTemplates: list[ResourceTemplate]
    resources: list[Resource]
    runtimeStatus: NotRequired[McpServerConnectionStatus | None]
    serverCapabilities: NotRequired[Any]
    serverInfo: NotRequired[McpServerInfo | None]
    toolListMeta: NotRequired[Any]
    tools: dict[str, Tool]
    toolsError: NotRequired[str | None]


McpServerStatusDetail: TypeAlias = "Literal['full', 'toolsAndAuthOnly']"


class McpServerStatusUpdatedNotification(TypedDict):
    environmentId: NotRequired[str | None]
    error: NotRequired[str | None]
    failureReason: NotRequired[McpServerStartupFailureReason | None]
    name: str
    status: McpServerStartupState
    threadId: NotRequired[str | None]


class McpServerToolCallParams(TypedDict):
    _meta: NotRequired[Any]
    arguments: NotRequired[Any]
    environmentId: NotRequired[str | None]
    server: str
    threadId: str
    tool: str


class McpServerToolCallResponse(TypedDict):
    _meta: NotRequired[Any]
    content: list[Any]
    isError: NotRequired[bool | None]
    structuredContent: NotRequired[Any]


class McpToolCallAppContext(TypedDict):
    actionName: NotRequired[str | None]
    appName: NotRequired[str | None]
    connectorId: str
    linkId: NotRequired[str | None]
    resourceUri: NotRequired[str | None]


class McpToolCallError(TypedDict):
    message: str


class McpToolCallProgressNotification(TypedDict):
    itemId: str
    message: str
    threadId: str
    turnId: str


class McpToolCallResult(TypedDict):
    _meta: NotRequired[Any]
    content: list[Any]
    structuredContent: NotRequired[Any]


McpToolCallStatus: TypeAlias = "Literal['inProgress', 'completed', 'failed']"


class MemoryCitation(TypedDict):
    entries: list[MemoryCitationEntry]
    threadIds: list[str]


class MemoryCitationEntry(TypedDict):
    lineEnd: int
    lineStart: int
    note: str
    path: str


class MemoryResetResponse(TypedDict):
    pass


class MemoryStatusParams(TypedDict):
    minConsolidatedThreads: NotRequired[int | None]


class MemoryStatusResponse(TypedDict):
    v2ConsolidatedThreads: int
    v2Ready: bool


MergeStrategy: TypeAlias = "Literal['replace', 'upsert']"

MessagePhase: TypeAlias = "Literal['commentary'] | Literal['partial_answer'] | Literal['final_answer']"


class MigrationDetails(TypedDict):
    commands: NotRequired[list[CommandMigration]]
    hooks: NotRequired[list[HookMigration]]
    mcpServers: NotRequired[list[McpServerMigration]]
    memory: NotRequired[list[str]]
    plugins: NotRequired[list[PluginsMigration]]
    sessions: NotRequired[list[SessionMigration]]
    skills: NotRequired[list[SkillMigration]]
    subagents: NotRequired[list[SubagentMigration]]


class MisalignmentErrorDetails(TypedDict):
    detailedExplanation: NotRequired[str | None]
    errorType: NotRequired[str | None]
    reviewTarget: NotRequired[str | None]
    steer: NotRequired[MisalignmentSteer | None]


class MisalignmentSteer(TypedDict):
    message: str


class MockExperimentalMethodParams(TypedDict):
    value: NotRequired[str | None]


class MockExperimentalMethodResponse(TypedDict):
    echoed: NotRequired[str | None]


ModeKind: TypeAlias = "Literal['plan', 'default']"


class Model(TypedDict):
    additionalSpeedTiers: NotRequired[list[str]]
    availabilityNux: NotRequired[ModelAvailabilityNux | None]
    availableAccessPrograms: NotRequired[ModelAccessPrograms | None]
    defaultReasoningEffort: ReasoningEffort
    defaultServiceTier: NotRequired[str | None]
    description: str
    displayName: str
    hidden: bool
    id: str
    inputModalities: NotRequired[list[InputModality]]
    isDefault: bool
    model: str
    modelSpecialty: NotRequired[str | None]
    multiAgentVersion: NotRequired[MultiAgentVersion | None]
    serviceTiers: NotRequired[list[ModelServiceTier]]
    supportedReasoningEfforts: list[ReasoningEffortOption]
    supportsPersonality: NotRequired[bool]
    upgrade: NotRequired[str | None]
    upgradeInfo: NotRequired[ModelUpgradeInfo | None]


class ModelAccessPrograms(TypedDict):
    cyber: list[CyberAccessProgram]


class ModelAvailabilityNux(TypedDict):
    message: str


class ModelListParams(TypedDict):
    cursor: NotRequired[str | None]
    includeHidden: NotRequired[bool | None]
    limit: NotRequired[int | None]
    modelProvider: NotRequired[str | None]


class ModelListResponse(TypedDict):
    data: list[Model]
    nextCursor: NotRequired[str | None]


class ModelProviderCapabilitiesReadParams(TypedDict):
    pass


class ModelProviderCapabilitiesReadResponse(TypedDict):
    imageGeneration: bool
    webSearch: bool


class ModelProviderConfigWriteParams(TypedDict):
    settings: ProviderSettingsPatch


class ModelProviderConfigWriteResponse(TypedDict):
    provider: ModelProviderSummary


class ModelProviderDefaultSetParams(TypedDict):
    providerId: str


class ModelProviderMismatchv2ModelProviderError(TypedDict):
    currentModelProvider: str
    modelProvider: str
    type: Literal["modelProviderMismatch"]


class ModelProviderNotConfiguredv2ModelProviderError(TypedDict):
    modelProvider: str
    type: Literal["modelProviderNotConfigured"]


class ModelProviderPolicyConflictv2ModelProviderError(TypedDict):
    modelProvider: str
    requiredModelProvider: str
    type: Literal["modelProviderPolicyConflict"]


ModelProviderError: TypeAlias = "ModelProviderMismatchv2ModelProviderError | ModelProviderNotConfiguredv2ModelProviderError | ModelProviderPolicyConflictv2ModelProviderError"


class ModelProviderListParams(TypedDict):
    pass


class ModelProviderListResponse(TypedDict):
    canChangeDefault: bool
    data: list[ModelProviderSummary]
    defaultProviderId: str


class ModelProviderSummary(TypedDict):
    baseUrl: NotRequired[str | None]
    canEdit: bool
    id: str
    name: str
    settings: ProviderSettings


ModelRerouteReason: TypeAlias = "Literal['highRiskCyberActivity']"


class ModelReroutedNotification(TypedDict):
    fromModel: str
    reason: ModelRerouteReason
    threadId: str
    toModel: str
    turnId: str


class ModelSafetyBufferingUpdatedNotification(TypedDict):
    fasterModel: NotRequired[str | None]
    model: str
    reasons: list[str]
    showBufferingUi: bool
    threadId: str
    turnId: str
    useCases: list[str]


class ModelServiceTier(TypedDict):
    description: str
    id: str
    name: str


class ModelUpgradeInfo(TypedDict):
    migrationMarkdown: NotRequired[str | None]
    model: str
    modelLink: NotRequired[str | None]
    retirementAt: NotRequired[int | None]
    upgradeCopy: NotRequired[str | None]


ModelVerification: TypeAlias = "Literal['trustedAccessForCyber']"


class ModelVerificationNotification(TypedDict):
    threadId: str
    turnId: str
    verifications: list[ModelVerification]


class ModelsRequirements(TypedDict):
    newThread: NotRequired[NewThreadModelDefaults | None]


class CustomMultiAgentMode(TypedDict):
    custom: str


MultiAgentMode: TypeAlias = "Literal['explicitRequestOnly', 'proactive'] | CustomMultiAgentMode"

MultiAgentVersion: TypeAlias = "Literal['disabled', 'v1', 'v2']"

NetworkAccess: TypeAlias = "Literal['restricted', 'enabled']"


class NetworkApprovalContext(TypedDict):
    host: str
    protocol: NetworkApprovalProtocol


NetworkApprovalProtocol: TypeAlias = "Literal['http', 'https', 'socks5Tcp', 'socks5Udp']"

NetworkDomainPermission: TypeAlias = "Literal['allow', 'deny']"


class NetworkPolicyAmendment(TypedDict):
    action: NetworkPolicyRuleAction
    host: str


NetworkPolicyRuleAction: TypeAlias = "Literal['allow', 'deny']"


class NetworkRequirements(TypedDict):
    allowLocalBinding: NotRequired[bool | None]
    allowUnixSockets: NotRequired[list[str] | None]
    allowUpstreamProxy: NotRequired[bool | None]
    allowedDomains: NotRequired[list[str] | None]
    dangerouslyAllowAllUnixSockets: NotRequired[bool | None]
    dangerouslyAllowNonLoopbackProxy: NotRequired[bool | None]
    deniedDomains: NotRequired[list[str] | None]
    domains: NotRequired[dict[str, NetworkDomainPermission] | None]
    enabled: NotRequired[bool | None]
    httpPort: NotRequired[int | None]
    managedAllowedDomainsOnly: NotRequired[bool | None]
    reviewDomains: NotRequired[list[str] | None]
    socksPort: NotRequired[int | None]
    unixSockets: NotRequired[dict[str, NetworkUnixSocketPermission] | None]


NetworkUnixSocketPermission: TypeAlias = "Literal['allow', 'deny']"


class NewThreadModelDefaults(TypedDict):
    model: NotRequired[str | None]
    modelReasoningEffort: NotRequired[ReasoningEffort | None]
    serviceTier: NotRequired[str | None]


NonSteerableTurnKind: TypeAlias = "Literal['review', 'compact']"

NullableGatewayOAuthLoginParams: TypeAlias = "GatewayOAuthLoginParams | None"

NullableGatewayOAuthReadParams: TypeAlias = "GatewayOAuthReadParams | None"

NullableGetAccountRateLimitsParams: TypeAlias = "GetAccountRateLimitsParams | None"

NullableGetAccountTokenUsageParams: TypeAlias = "GetAccountTokenUsageParams | None"

NullableRemoteControlDisableParams: TypeAlias = "RemoteControlDisableParams | None"

NullableRemoteControlEnableParams: TypeAlias = "RemoteControlEnableParams | None"


class OtlpHttpOtelExporterOtlpHttp(TypedDict):
    endpoint: str
    headers: dict[str, str]
    protocol: OtelHttpProtocol
    tls: NotRequired[OtelTlsConfig | None]


OtlpHttpOtelExporter = TypedDict(
    "OtlpHttpOtelExporter",
    {
        "otlp-http": "OtlpHttpOtelExporterOtlpHttp",
    },
)


class OtlpGrpcOtelExporterOtlpGrpc(TypedDict):
    endpoint: str
    headers: dict[str, str]
    tls: NotRequired[OtelTlsConfig | None]


OtlpGrpcOtelExporter = TypedDict(
    "OtlpGrpcOtelExporter",
    {
        "otlp-grpc": "OtlpGrpcOtelExporterOtlpGrpc",
    },
)

OtelExporter: TypeAlias = "Literal['none', 'statsig'] | OtlpHttpOtelExporter | OtlpGrpcOtelExporter"

OtelHttpProtocol: TypeAlias = "Literal['binary', 'json']"


class OtelRequirements(TypedDict):
    environment: NotRequired[str | None]
    exporter: NotRequired[OtelExporter | None]
    headers_helper: NotRequired[str | None]
    headers_helper_refresh_interval_ms: NotRequired[int | None]
    log_agent_responses: NotRequired[bool | None]
    log_guardian_assessments: NotRequired[bool | None]
    log_sse_deltas: NotRequired[bool | None]
    log_user_prompt: NotRequired[bool | None]
    metrics_exporter: NotRequired[OtelExporter | None]
    span_attributes: NotRequired[dict[str, str] | None]
    tool_result: NotRequired[OtelToolResultLogConfig | None]
    trace_exporter: NotRequired[OtelExporter | None]
    tracestate: NotRequired[dict[str, dict[str, str]] | None]


OtelTlsConfig = TypedDict(
    "OtelTlsConfig",
    {
        "ca-certificate": "NotRequired[str | None]",
        "client-certificate": "NotRequired[str | None]",
        "client-private-key": "NotRequired[str | None]",
    },
)


class OtelToolResultLogConfig(TypedDict):
    max_bytes: int


class OverriddenMetadata(TypedDict):
    effectiveValue: Any
    message: str
    overridingLayer: ConfigLayerMetadata


class ReadParsedCommand(TypedDict):
    cmd: str
    name: str
    path: str
    type: Literal["read"]


class ListFilesParsedCommand(TypedDict):
    cmd: str
    path: NotRequired[str | None]
    type: Literal["list_files"]


class SearchParsedCommand(TypedDict):
    cmd: str
    path: NotRequired[str | None]
    query: NotRequired[str | None]
    type: Literal["search"]


class UnknownParsedCommand(TypedDict):
    cmd: str
    type: Literal["unknown"]


ParsedCommand: TypeAlias = "ReadParsedCommand | ListFilesParsedCommand | SearchParsedCommand | UnknownParsedCommand"

PatchApplyStatus: TypeAlias = "Literal['inProgress', 'completed', 'failed', 'declined']"


class AddPatchChangeKind(TypedDict):
    type: Literal["add"]


class DeletePatchChangeKind(TypedDict):
    type: Literal["delete"]


class UpdatePatchChangeKind(TypedDict):
    move_path: NotRequired[str | None]
    type: Literal["update"]


PatchChangeKind: TypeAlias = "AddPatchChangeKind | DeletePatchChangeKind | UpdatePatchChangeKind"

PathUri: TypeAlias = "str"

PermissionGrantScope: TypeAlias = "Literal['turn', 'session']"


class PermissionProfileListParams(TypedDict):
    cursor: NotRequired[str | None]
    cwd: NotRequired[str | None]
    limit: NotRequired[int | None]


class PermissionProfileListResponse(TypedDict):
    data: list[PermissionProfileSummary]
    nextCursor: NotRequired[str | None]


class PermissionProfileSummary(TypedDict):
    allowed: bool
    description: NotRequired[str | None]
    id: str


class PermissionsRequestApprovalParams(TypedDict):
    cwd: LegacyAppPathString
    environmentId: NotRequired[str | None]
    itemId: str
    permissions: RequestPermissionProfile
    reason: NotRequired[str | None]
    startedAtMs: int
    threadId: str
    turnId: str


class PermissionsRequestApprovalResponse(TypedDict):
    permissions: GrantedPermissionProfile
    scope: NotRequired[PermissionGrantScope]
    strictAutoReview: NotRequired[bool | None]


Personality: TypeAlias = "Literal['none', 'friendly', 'pragmatic']"


class PlanDeltaNotification(TypedDict):
    delta: str
    itemId: str
    threadId: str
    turnId: str


PlanType: TypeAlias = "Literal['free', 'go', 'plus', 'pro', 'prolite', 'promax', 'team', 'self_serve_business_prolite', 'self_serve_business_usage_based', 'business', 'ent26', 'enterprise_cbp_automation', 'enterprise_cbp_usage_based', 'enterprise', 'edu', 'edu_plus', 'edu_pro', 'sci', 'sci_plus', 'unknown']"

PluginAuthPolicy: TypeAlias = "Literal['ON_INSTALL', 'ON_USE']"

PluginAvailability: TypeAlias = "Literal['DISABLED_BY_ADMIN'] | Literal['AVAILABLE']"


class PluginDetail(TypedDict):
    appTemplates: list[AppTemplateSummary]
    apps: list[AppSummary]
    description: NotRequired[str | None]
    hooks: list[PluginHookSummary]
    marketplaceName: str
    marketplacePath: NotRequired[AbsolutePathBuf | None]
    mcpServers: list[str]
    onboardingSkill: NotRequired[SkillSummary | None]
    scheduledTasks: NotRequired[list[ScheduledTaskSummary] | None]
    shareUrl: NotRequired[str | None]
    skills: list[SkillSummary]
    summary: PluginSummary


PluginDisabledReason: TypeAlias = (
    "Literal['disabled_by_admin', 'plan_not_eligible', 'required_app_unavailable', 'unknown']"
)


class PluginHookSummary(TypedDict):
    eventName: HookEventName
    key: str


class PluginInstallParams(TypedDict):
    installAttemptId: NotRequired[str | None]
    marketplacePath: NotRequired[AbsolutePathBuf | None]
    pluginName: str
    remoteMarketplaceName: NotRequired[str | None]


PluginInstallPolicy: TypeAlias = "Literal['NOT_AVAILABLE', 'AVAILABLE', 'INSTALLED_BY_DEFAULT']"

PluginInstallPolicySource: TypeAlias = "Literal['WORKSPACE_SETTING', 'IMPLICIT_CANONICAL_APP']"


class PluginInstallResponse(TypedDict):
    appsNeedingAuth: list[AppSummary]
    authPolicy: PluginAuthPolicy


class PluginInstalledParams(TypedDict):
    cwds: NotRequired[list[AbsolutePathBuf] | None]
    installSuggestionPluginNames: NotRequired[list[str] | None]


class PluginInstalledResponse(TypedDict):
    marketplaceLoadErrors: NotRequired[list[MarketplaceLoadErrorInfo]]
    marketplaces: list[PluginMarketplaceEntry]


class PluginInterface(TypedDict):
    brandColor: NotRequired[str | None]
    capabilities: list[str]
    category: NotRequired[str | None]
    composerIcon: NotRequired[AbsolutePathBuf | None]
    composerIconUrl: NotRequired[str | None]
    defaultPrompt: NotRequired[list[str] | None]
    developerName: NotRequired[str | None]
    displayName: NotRequired[str | None]
    logo: NotRequired[AbsolutePathBuf | None]
    logoDark: NotRequired[AbsolutePathBuf | None]
    logoUrl: NotRequired[str | None]
    logoUrlDark: NotRequired[str | None]
    longDescription: NotRequired[str | None]
    privacyPolicyUrl: NotRequired[str | None]
    screenshotUrls: list[str]
    screenshots: list[AbsolutePathBuf]
    shortDescription: NotRequired[str | None]
    termsOfServiceUrl: NotRequired[str | None]
    websiteUrl: NotRequired[str | None]


PluginListMarketplaceKind: TypeAlias = (
    "Literal['local', 'vertical', 'workspace-directory', 'shared-with-me', 'created-by-me-remote']"
)


class PluginListParams(TypedDict):
    cwds: NotRequired[list[AbsolutePathBuf] | None]
    forceRefetch: NotRequired[bool]
    marketplaceKinds: NotRequired[list[PluginListMarketplaceKind] | None]


class PluginListResponse(TypedDict):
    featuredPluginIds: NotRequired[list[str]]
    marketplaceLoadErrors: NotRequired[list[MarketplaceLoadErrorInfo]]
    marketplaces: list[PluginMarketplaceEntry]


class PluginMarketplaceEntry(TypedDict):
    interface: NotRequired[MarketplaceInterface | None]
    name: str
    path: NotRequired[AbsolutePathBuf | None]
    plugins: list[PluginSummary]


class PluginReadParams(TypedDict):
    marketplacePath: NotRequired[AbsolutePathBuf | None]
    pluginName: str
    remoteMarketplaceName: NotRequired[str | None]


class PluginReadResponse(TypedDict):
    plugin: PluginDetail


class PluginReconcileChangedPlugin(TypedDict):
    hasApps: bool
    hasHooks: bool
    hasMcps: bool
    hasSkills: bool
    id: str


class PluginReconcileParams(TypedDict):
    reason: NotRequired[str | None]


class PluginReconcileResponse(TypedDict):
    changedPlugins: list[PluginReconcileChangedPlugin]
    failedMaterializationRemotePluginIds: list[str]
    failedRemotePluginIds: list[str]


class PluginSearchParams(TypedDict):
    cursor: NotRequired[str | None]
    cwds: NotRequired[list[AbsolutePathBuf] | None]
    limit: NotRequired[int | None]
    scope: NotRequired[PluginSearchScope | None]
    searchTerm: str


class PluginSearchResponse(TypedDict):
    data: list[PluginSearchResult]
    nextCursor: NotRequired[str | None]


class PluginSearchResult(TypedDict):
    marketplaceName: str
    marketplacePath: NotRequired[AbsolutePathBuf | None]
    plugin: PluginSummary


PluginSearchScope: TypeAlias = "Literal['global', 'workspace', 'personal']"


class PluginShareCheckoutParams(TypedDict):
    remotePluginId: str


class PluginShareCheckoutResponse(TypedDict):
    marketplaceName: str
    marketplacePath: AbsolutePathBuf
    pluginId: str
    pluginName: str
    pluginPath: AbsolutePathBuf
    remotePluginId: str
    remoteVersion: NotRequired[str | None]


class PluginShareContext(TypedDict):
    canPublishToWorkspace: NotRequired[bool | None]
    creatorAccountUserId: NotRequired[str | None]
    creatorName: NotRequired[str | None]
    discoverability: NotRequired[PluginShareDiscoverability | None]
    remotePluginId: str
    remoteVersion: NotRequired[str | None]
    sharePrincipals: NotRequired[list[PluginSharePrincipal] | None]
    shareUrl: NotRequired[str | None]


class PluginShareDeleteParams(TypedDict):
    remotePluginId: str


class PluginShareDeleteResponse(TypedDict):
    pass


PluginShareDiscoverability: TypeAlias = "Literal['LISTED', 'UNLISTED', 'PRIVATE']"


class PluginShareListItem(TypedDict):
    localPluginPath: NotRequired[AbsolutePathBuf | None]
    plugin: PluginSummary


class PluginShareListParams(TypedDict):
    pass


class PluginShareListResponse(TypedDict):
    data: list[PluginShareListItem]


class PluginSharePrincipal(TypedDict):
    name: str
    principalId: str
    principalType: PluginSharePrincipalType
    role: PluginSharePrincipalRole


PluginSharePrincipalRole: TypeAlias = "Literal['reader', 'editor', 'owner']"

PluginSharePrincipalType: TypeAlias = "Literal['user', 'group', 'workspace']"


class PluginShareSaveParams(TypedDict):
    discoverability: NotRequired[PluginShareDiscoverability | None]
    pluginPath: AbsolutePathBuf
    remotePluginId: NotRequired[str | None]
    shareTargets: NotRequired[list[PluginShareTarget] | None]


class PluginShareSaveResponse(TypedDict):
    canPublishToWorkspace: NotRequired[bool | None]
    remotePluginId: str
    shareUrl: str


class PluginShareTarget(TypedDict):
    principalId: str
    principalType: PluginSharePrincipalType
    role: PluginShareTargetRole


PluginShareTargetRole: TypeAlias = "Literal['reader', 'editor']"

PluginShareUpdateDiscoverability: TypeAlias = "Literal['UNLISTED', 'PRIVATE', 'LISTED']"


class PluginShareUpdateTargetsParams(TypedDict):
    discoverability: PluginShareUpdateDiscoverability
    remotePluginId: str
    shareTargets: list[PluginShareTarget]


class PluginShareUpdateTargetsResponse(TypedDict):
    discoverability: PluginShareDiscoverability
    principals: list[PluginSharePrincipal]


class PluginSkillReadParams(TypedDict):
    remoteMarketplaceName: str
    remotePluginId: str
    skillName: str


class PluginSkillReadResponse(TypedDict):
    contents: NotRequired[str | None]


class LocalPluginSource(TypedDict):
    path: AbsolutePathBuf
    type: Literal["local"]


class GitPluginSource(TypedDict):
    path: NotRequired[str | None]
    refName: NotRequired[str | None]
    sha: NotRequired[str | None]
    type: Literal["git"]
    url: str


class NpmPluginSource(TypedDict):
    package: str
    registry: NotRequired[str | None]
    type: Literal["npm"]
    version: NotRequired[str | None]


class RemotePluginSource(TypedDict):
    type: Literal["remote"]


PluginSource: TypeAlias = "LocalPluginSource | GitPluginSource | NpmPluginSource | RemotePluginSource"


class PluginSummary(TypedDict):
    authPolicy: PluginAuthPolicy
    availability: NotRequired[PluginAvailability]
    disabledReason: NotRequired[PluginDisabledReason | None]
    eligiblePlanTypes: NotRequired[list[str] | None]
    enabled: bool
    id: str
    installPolicy: PluginInstallPolicy
    installPolicySource: NotRequired[PluginInstallPolicySource | None]
    installed: bool
    installedAt: NotRequired[int | None]
    interface: NotRequired[PluginInterface | None]
    keywords: NotRequired[list[str]]
    localVersion: NotRequired[str | None]
    mustShowInstallationInterstitial: NotRequired[bool | None]
    name: str
    remotePluginId: NotRequired[str | None]
    shareContext: NotRequired[PluginShareContext | None]
    source: PluginSource
    version: NotRequired[str | None]


class PluginUninstallParams(TypedDict):
    pluginId: str


class PluginUninstallResponse(TypedDict):
    pass


class PluginsMigration(TypedDict):
    marketplaceName: str
    pluginNames: list[str]


class ProcessExitedNotification(TypedDict):
    exitCode: int
    outputDrainTimedOut: NotRequired[bool | None]
    processHandle: str
    stderr: str
    stderrCapReached: bool
    stdout: str
    stdoutCapReached: bool


class ProcessKillParams(TypedDict):
    processHandle: str


class ProcessKillResponse(TypedDict):
    pass


class ProcessOutputDeltaNotification(TypedDict):
    capReached: bool
    deltaBase64: str
    processHandle: str
    stream: ProcessOutputStream


ProcessOutputStream: TypeAlias = "Literal['stdout'] | Literal['stderr']"


class ProcessResizePtyParams(TypedDict):
    processHandle: str
    size: ProcessTerminalSize


class ProcessResizePtyResponse(TypedDict):
    pass


class ProcessSpawnParams(TypedDict):
    command: list[str]
    cwd: AbsolutePathBuf
    env: NotRequired[dict[str, str | None] | None]
    outputBytesCap: NotRequired[int | None]
    processHandle: str
    size: NotRequired[ProcessTerminalSize | None]
    streamStdin: NotRequired[bool]
    streamStdoutStderr: NotRequired[bool]
    timeoutMs: NotRequired[int | None]
    tty: NotRequired[bool]


class ProcessSpawnResponse(TypedDict):
    pass


class ProcessTerminalSize(TypedDict):
    cols: int
    rows: int


class ProcessWriteStdinParams(TypedDict):
    closeStdin: NotRequired[bool]
    deltaBase64: NotRequired[str | None]
    processHandle: str


class ProcessWriteStdinResponse(TypedDict):
    pass


class Project(TypedDict):
    createdAt: int
    id: str
    metadata: dict[str, str]
    name: str
    recencyAt: NotRequired[int | None]
    roots: list[ProjectRoot]
    updatedAt: int


ProjectChangeType: TypeAlias = "Literal['created', 'updated', 'deleted']"


class ProjectChangedNotification(TypedDict):
    changeType: ProjectChangeType
    projectId: str


class ProjectCreateParams(TypedDict):
    idempotencyKey: str
    metadata: NotRequired[dict[str, str] | None]
    name: str
    roots: list[ProjectRoot]


class ProjectCreateResponse(TypedDict):
    project: Project


class ProjectDeleteParams(TypedDict):
    projectId: str


class ProjectDeleteResponse(TypedDict):
    pass


class ProjectImportParams(TypedDict):
    idempotencyKey: str
    metadata: NotRequired[dict[str, str] | None]
    name: str
    roots: list[ProjectRoot]
    threads: NotRequired[list[str] | None]


class ProjectImportResponse(TypedDict):
    project: Project


class ProjectListParams(TypedDict):
    cursor: NotRequired[str | None]
    limit: NotRequired[int | None]
    sortDirection: NotRequired[SortDirection | None]
    sortKey: NotRequired[ProjectSortKey | None]


class ProjectListResponse(TypedDict):
    data: list[Project]
    nextCursor: NotRequired[str | None]


class ProjectMoveParams(TypedDict):
    beforeProjectId: NotRequired[str | None]
    projectId: str


class ProjectMoveResponse(TypedDict):
    pass


class ProjectReadParams(TypedDict):
    projectId: str


class ProjectReadResponse(TypedDict):
    project: Project


class ProjectRoot(TypedDict):
    path: AbsolutePathBuf


ProjectSortKey: TypeAlias = "Literal['position', 'recencyAt']"


class ProjectUpdateParams(TypedDict):
    metadata: NotRequired[dict[str, str] | None]
    name: NotRequired[str | None]
    projectId: str
    roots: NotRequired[list[ProjectRoot] | None]


class ProjectUpdateResponse(TypedDict):
    project: Project


class OpenaiProviderSettings(TypedDict):
    type: Literal["openai"]


class CustomGatewayProviderSettings(TypedDict):
    auth: GatewayAuth
    type: Literal["customGateway"]


class BedrockProviderSettings(TypedDict):
    profile: NotRequired[str | None]
    region: NotRequired[str | None]
    type: Literal["bedrock"]


class GcpProviderSettings(TypedDict):
    credentialFile: NotRequired[str | None]
    location: NotRequired[str | None]
    projectId: NotRequired[str | None]
    type: Literal["gcp"]


ProviderSettings: TypeAlias = (
    "OpenaiProviderSettings | CustomGatewayProviderSettings | BedrockProviderSettings | GcpProviderSettings"
)


class CustomGatewayProviderSettingsPatch(TypedDict):
    baseUrl: NotRequired[str | None]
    envKey: NotRequired[str | None]
    name: NotRequired[str]
    providerId: NotRequired[str | None]
    type: Literal["customGateway"]


class BedrockProviderSettingsPatch(TypedDict):
    profile: NotRequired[str | None]
    providerId: BedrockProviderId
    region: NotRequired[str | None]
    type: Literal["bedrock"]


class GcpProviderSettingsPatch(TypedDict):
    credentialFile: NotRequired[str | None]
    location: NotRequired[str | None]
    projectId: NotRequired[str | None]
    providerId: GcpProviderId
    type: Literal["gcp"]


ProviderSettingsPatch: TypeAlias = (
    "CustomGatewayProviderSettingsPatch | BedrockProviderSettingsPatch | GcpProviderSettingsPatch"
)


class QueuedSubmission(TypedDict):
    clientUserMessageId: str
    id: str
    input: list[UserInput]
    responsesapiClientMetadata: NotRequired[dict[str, str] | None]


RateLimitReachedType: TypeAlias = "Literal['rate_limit_reached', 'workspace_owner_credits_depleted', 'workspace_member_credits_depleted', 'workspace_owner_usage_limit_reached', 'workspace_member_usage_limit_reached']"


class RateLimitResetCredit(TypedDict):
    description: NotRequired[str | None]
    expiresAt: NotRequired[int | None]
    grantedAt: int
    id: str
    resetType: RateLimitResetType
    status: RateLimitResetCreditStatus
    title: NotRequired[str | None]


RateLimitResetCreditStatus: TypeAlias = "Literal['available', 'redeeming', 'redeemed', 'unknown']"


class RateLimitResetCreditsSummary(TypedDict):
    availableCount: int
    credits: NotRequired[list[RateLimitResetCredit] | None]


RateLimitResetType: TypeAlias = "Literal['codexRateLimits', 'unknown']"


class RateLimitSnapshot(TypedDict):
    credits: NotRequired[CreditsSnapshot | None]
    individualLimit: NotRequired[SpendControlLimitSnapshot | None]
    limitId: NotRequired[str | None]
    limitName: NotRequired[str | None]
    normalModelSlug: NotRequired[str | None]
    planType: NotRequired[PlanType | None]
    primary: NotRequired[RateLimitWindow | None]
    rateLimitReachedType: NotRequired[RateLimitReachedType | None]
    secondary: NotRequired[RateLimitWindow | None]
    spendControlReached: NotRequired[bool | None]


class RateLimitWindow(TypedDict):
    resetsAt: NotRequired[int | None]
    usedPercent: int
    windowDurationMins: NotRequired[int | None]


class RawResponseCompletedNotification(TypedDict):
    responseId: str
    threadId: str
    turnId: str
    usage: NotRequired[TokenUsageBreakdown | None]
    usageMetadata: NotRequired[ResponseUsageMetadata | None]


class RawResponseItemCompletedNotification(TypedDict):
    item: ResponseItem
    threadId: str
    turnId: str


RealtimeConversationVersion: TypeAlias = "Literal['v1', 'v2', 'v3']"

RealtimeOutputModality: TypeAlias = "Literal['text', 'audio']"

RealtimeVoice: TypeAlias = "Literal['alloy', 'arbor', 'ash', 'aube', 'ballad', 'breeze', 'bubbie', 'cedar', 'coral', 'cove', 'echo', 'ember', 'haetsal', 'hanul', 'himari', 'juniper', 'leher', 'maple', 'marin', 'miko', 'neer', 'porto', 'rindo', 'rio', 'rivage', 'sage', 'selva', 'shimmer', 'sol', 'sonna', 'spruce', 'tinta', 'vale', 'verse', 'viola']"


class RealtimeVoicesList(TypedDict):
    defaultV1: RealtimeVoice
    defaultV2: RealtimeVoice
    v1: list[RealtimeVoice]
    v2: list[RealtimeVoice]
    v3: NotRequired[list[RealtimeVoice]]


ReasoningEffort: TypeAlias = "str"


class ReasoningEffortOption(TypedDict):
    description: str
    reasoningEffort: ReasoningEffort


class ReasoningTextReasoningItemContent(TypedDict):
    text: str
    type: Literal["reasoning_text"]


class TextReasoningItemContent(TypedDict):
    text: str
    type: Literal["text"]


ReasoningItemContent: TypeAlias = "ReasoningTextReasoningItemContent | TextReasoningItemContent"


class SummaryTextReasoningItemReasoningSummary(TypedDict):
    text: str
    type: Literal["summary_text"]


ReasoningItemReasoningSummary: TypeAlias = "SummaryTextReasoningItemReasoningSummary"

ReasoningSummary: TypeAlias = "Literal['auto', 'concise', 'detailed'] | Literal['none']"


class ReasoningSummaryPartAddedNotification(TypedDict):
    itemId: str
    summaryIndex: int
    threadId: str
    turnId: str


class ReasoningSummaryTextDeltaNotification(TypedDict):
    delta: str
    itemId: str
    summaryIndex: int
    threadId: str
    turnId: str


class ReasoningTextDeltaNotification(TypedDict):
    contentIndex: int
    delta: str
    itemId: str
    threadId: str
    turnId: str


class RemoteControlClient(TypedDict):
    appVersion: NotRequired[str | None]
    clientId: str
    deviceModel: NotRequired[str | None]
    deviceType: NotRequired[str | None]
    displayName: NotRequired[str | None]
    lastSeenAt: NotRequired[int | None]
    osVersion: NotRequired[str | None]
    platform: NotRequired[str | None]


RemoteControlClientsListOrder: TypeAlias = "Literal['asc', 'desc']"


class RemoteControlClientsListParams(TypedDict):
    cursor: NotRequired[str | None]
    environmentId: str
    limit: NotRequired[int | None]
    order: NotRequired[RemoteControlClientsListOrder | None]


class RemoteControlClientsListResponse(TypedDict):
    data: list[RemoteControlClient]
    nextCursor: NotRequired[str | None]


class RemoteControlClientsRevokeParams(TypedDict):
    clientId: str
    environmentId: str


class RemoteControlClientsRevokeResponse(TypedDict):
    pass


RemoteControlConnectionStatus: TypeAlias = "Literal['disabled', 'connecting', 'connected', 'errored']"


class RemoteControlDisableParams(TypedDict):
    ephemeral: NotRequired[bool]


class RemoteControlDisableResponse(TypedDict):
    environmentId: NotRequired[str | None]
    installationId: str
    serverName: str
    status: RemoteControlConnectionStatus


class RemoteControlEnableParams(TypedDict):
    ephemeral: NotRequired[bool]


class RemoteControlEnableResponse(TypedDict):
    environmentId: NotRequired[str | None]
    installationId: str
    serverName: str
    status: RemoteControlConnectionStatus


class RemoteControlPairingStartParams(TypedDict):
    manualCode: NotRequired[bool]


class RemoteControlPairingStartResponse(TypedDict):
    environmentId: str
    expiresAt: int
    manualPairingCode: NotRequired[str | None]
    pairingCode: str


class RemoteControlPairingStatusParams(TypedDict):
    manualPairingCode: NotRequired[str | None]
    pairingCode: NotRequired[str | None]


class RemoteControlPairingStatusResponse(TypedDict):
    claimed: bool


class RemoteControlStatusChangedNotification(TypedDict):
    environmentId: NotRequired[str | None]
    installationId: str
    serverName: str
    status: RemoteControlConnectionStatus


class RemoteControlStatusReadResponse(TypedDict):
    environmentId: NotRequired[str | None]
    installationId: str
    serverName: str
    status: RemoteControlConnectionStatus


class RequestHeader(TypedDict):
    name: str
    value: str


RequestId: TypeAlias = "str | int"


class RequestPermissionProfile(TypedDict):
    fileSystem: NotRequired[AdditionalFileSystemPermissions | None]
    network: NotRequired[AdditionalNetworkPermissions | None]


ResidencyRequirement: TypeAlias = "Literal['us']"


class Resource(TypedDict):
    _meta: NotRequired[Any]
    annotations: NotRequired[Any]
    description: NotRequired[str | None]
    icons: NotRequired[list[Any] | None]
    mimeType: NotRequired[str | None]
    name: str
    size: NotRequired[int | None]
    title: NotRequired[str | None]
    uri: str


class ResourceContent1(TypedDict):
    _meta: NotRequired[Any]
    mimeType: NotRequired[str | None]
    text: str
    uri: str


class ResourceContent2(TypedDict):
    _meta: NotRequired[Any]
    blob: str
    mimeType: NotRequired[str | None]
    uri: str


ResourceContent: TypeAlias = "ResourceContent1 | ResourceContent2"


class ResourceTemplate(TypedDict):
    annotations: NotRequired[Any]
    description: NotRequired[str | None]
    mimeType: NotRequired[str | None]
    name: str
    title: NotRequired[str | None]
    uriTemplate: str


class AdditionalToolsResponseItem(TypedDict):
    id: NotRequired[str | None]
    role: str
    tools: list[Any]
    type: Literal["additional_tools"]


class MessageResponseItem(TypedDict):
    content: list[ContentItem]
    encrypted_content: NotRequired[str | None]
    id: NotRequired[str | None]
    internal_chat_message_metadata_passthrough: NotRequired[InternalChatMessageMetadataPassthrough | None]
    phase: NotRequired[MessagePhase | None]
    role: str
    status: NotRequired[str | None]
    type: Literal["message"]


class AgentMessageResponseItem(TypedDict):
    author: str
    content: list[AgentMessageInputContent]
    id: NotRequired[str | None]
    internal_chat_message_metadata_passthrough: NotRequired[InternalChatMessageMetadataPassthrough | None]
    recipient: str
    type: Literal["agent_message"]


class ReasoningResponseItem(TypedDict):
    content: NotRequired[list[ReasoningItemContent] | None]
    encrypted_content: NotRequired[str | None]
    id: NotRequired[str | None]
    internal_chat_message_metadata_passthrough: NotRequired[InternalChatMessageMetadataPassthrough | None]
    summary: list[ReasoningItemReasoningSummary]
    type: Literal["reasoning"]


class LocalShellCallResponseItem(TypedDict):
    action: LocalShellAction
    call_id: NotRequired[str | None]
    encrypted_content: NotRequired[str | None]
    id: NotRequired[str | None]
    internal_chat_message_metadata_passthrough: NotRequired[InternalChatMessageMetadataPassthrough | None]
    status: LocalShellStatus
    type: Literal["local_shell_call"]


class FunctionCallResponseItem(TypedDict):
    arguments: str
    call_id: str
    encrypted_content: NotRequired[str | None]
    encrypted_function_args: NotRequired[list[str] | None]
    id: NotRequired[str | None]
    internal_chat_message_metadata_passthrough: NotRequired[InternalChatMessageMetadataPassthrough | None]
    name: str
    namespace: NotRequired[str | None]
    status: NotRequired[str | None]
    type: Literal["function_call"]


class ToolSearchCallResponseItem(TypedDict):
    arguments: Any
    call_id: NotRequired[str | None]
    encrypted_content: NotRequired[str | None]
    execution: str
    id: NotRequired[str | None]
    internal_chat_message_metadata_passthrough: NotRequired[InternalChatMessageMetadataPassthrough | None]
    status: NotRequired[str | None]
    type: Literal["tool_search_call"]


class FunctionCallOutputResponseItem(TypedDict):
    call_id: NotRequired[str | None]
    id: NotRequired[str | None]
    internal_chat_message_metadata_passthrough: NotRequired[InternalChatMessageMetadataPassthrough | None]
    name: NotRequired[str | None]
    namespace: NotRequired[str | None]
    output: FunctionCallOutputBody
    type: Literal["function_call_output"]


class CustomToolCallResponseItem(TypedDict):
    call_id: str
    encrypted_content: NotRequired[str | None]
    id: NotRequired[str | None]
    input: str
    internal_chat_message_metadata_passthrough: NotRequired[InternalChatMessageMetadataPassthrough | None]
    name: str
    namespace: NotRequired[str | None]
    status: NotRequired[str | None]
    type: Literal["custom_tool_call"]


class CustomToolCallOutputResponseItem(TypedDict):
    call_id: str
    id: NotRequired[str | None]
    internal_chat_message_metadata_passthrough: NotRequired[InternalChatMessageMetadataPassthrough | None]
    name: NotRequired[str | None]
    output: FunctionCallOutputBody
    type: Literal["custom_tool_call_output"]


class ToolSearchOutputResponseItem(TypedDict):
    call_id: NotRequired[str | None]
    execution: str
    id: NotRequired[str | None]
    internal_chat_message_metadata_passthrough: NotRequired[InternalChatMessageMetadataPassthrough | None]
    status: str
    tools: list[Any]
    type: Literal["tool_search_output"]


class WebSearchCallResponseItem(TypedDict):
    action: NotRequired[ResponsesApiWebSearchAction | None]
    encrypted_content: NotRequired[str | None]
    id: NotRequired[str | None]
    internal_chat_message_metadata_passthrough: NotRequired[InternalChatMessageMetadataPassthrough | None]
    status: NotRequired[str | None]
    type: Literal["web_search_call"]


class ImageGenerationCallResponseItem(TypedDict):
    encrypted_content: NotRequired[str | None]
    id: NotRequired[str | None]
    internal_chat_message_metadata_passthrough: NotRequired[InternalChatMessageMetadataPassthrough | None]
    result: str
    revised_prompt: NotRequired[str | None]
    status: str
    type: Literal["image_generation_call"]


class CompactionResponseItem(TypedDict):
    encrypted_content: str
    id: NotRequired[str | None]
    internal_chat_message_metadata_passthrough: NotRequired[InternalChatMessageMetadataPassthrough | None]
    type: Literal["compaction"]


class ConfigurationUpdateResponseItem(TypedDict):
    reasoning: ConfigurationReasoning
    type: Literal["configuration_update"]


class CompactionTriggerResponseItem(TypedDict):
    type: Literal["compaction_trigger"]


class ContextCompactionResponseItem(TypedDict):
    encrypted_content: NotRequired[str | None]
    id: NotRequired[str | None]
    internal_chat_message_metadata_passthrough: NotRequired[InternalChatMessageMetadataPassthrough | None]
    type: Literal["context_compaction"]


class OtherResponseItem(TypedDict):
    type: Literal["other"]


ResponseItem: TypeAlias = "AdditionalToolsResponseItem | MessageResponseItem | AgentMessageResponseItem | ReasoningResponseItem | LocalShellCallResponseItem | FunctionCallResponseItem | ToolSearchCallResponseItem | FunctionCallOutputResponseItem | CustomToolCallResponseItem | CustomToolCallOutputResponseItem | ToolSearchOutputResponseItem | WebSearchCallResponseItem | ImageGenerationCallResponseItem | CompactionResponseItem | ConfigurationUpdateResponseItem | CompactionTriggerResponseItem | ContextCompactionResponseItem | OtherResponseItem"


class ResponseUsageMetadata(TypedDict):
    amount: NotRequired[str | None]
    metadata: NotRequired[Any]


class SearchResponsesApiWebSearchAction(TypedDict):
    queries: NotRequired[list[str] | None]
    query: NotRequired[str | None]
    type: Literal["search"]


class OpenPageResponsesApiWebSearchAction(TypedDict):
    type: Literal["open_page"]
    url: NotRequired[str | None]


class FindInPageResponsesApiWebSearchAction(TypedDict):
    pattern: NotRequired[str | None]
    type: Literal["find_in_page"]
    url: NotRequired[str | None]


class OtherResponsesApiWebSearchAction(TypedDict):
    type: Literal["other"]


ResponsesApiWebSearchAction: TypeAlias = "SearchResponsesApiWebSearchAction | OpenPageResponsesApiWebSearchAction | FindInPageResponsesApiWebSearchAction | OtherResponsesApiWebSearchAction"


class ApprovedExecpolicyAmendmentReviewDecisionApprovedExecpolicyAmendment(TypedDict):
    proposed_execpolicy_amendment: list[str]


class ApprovedExecpolicyAmendmentReviewDecision(TypedDict):
    approved_execpolicy_amendment: ApprovedExecpolicyAmendmentReviewDecisionApprovedExecpolicyAmendment


class NetworkPolicyAmendmentReviewDecisionNetworkPolicyAmendment(TypedDict):
    network_policy_amendment: NetworkPolicyAmendment


class NetworkPolicyAmendmentReviewDecision(TypedDict):
    network_policy_amendment: NetworkPolicyAmendmentReviewDecisionNetworkPolicyAmendment


class DeniedReviewDecisionDenied(TypedDict):
    rejection: str


class DeniedReviewDecision(TypedDict):
    denied: DeniedReviewDecisionDenied


ReviewDecision: TypeAlias = "Literal['approved'] | ApprovedExecpolicyAmendmentReviewDecision | Literal['approved_for_session'] | Literal['approved_mcp_policy_amendment'] | NetworkPolicyAmendmentReviewDecision | DeniedReviewDecision | Literal['timed_out'] | Literal['abort']"

ReviewDelivery: TypeAlias = "Literal['inline']"


class ReviewStartParams(TypedDict):
    delivery: NotRequired[ReviewDelivery | None]
    target: ReviewTarget
    threadId: str


class ReviewStartResponse(TypedDict):
    reviewThreadId: str
    turn: Turn


class UncommittedChangesReviewTarget(TypedDict):
    type: Literal["uncommittedChanges"]


class BaseBranchReviewTarget(TypedDict):
    branch: str
    type: Literal["baseBranch"]


class CommitReviewTarget(TypedDict):
    sha: str
    title: NotRequired[str | None]
    type: Literal["commit"]


class CustomReviewTarget(TypedDict):
    instructions: str
    type: Literal["custom"]


ReviewTarget: TypeAlias = (
    "UncommittedChangesReviewTarget | BaseBranchReviewTarget | CommitReviewTarget | CustomReviewTarget"
)


class RolloutCompressResponse(TypedDict):
    pass


SandboxMode: TypeAlias = "Literal['read-only', 'workspace-write', 'danger-full-access']"


class DangerFullAccessSandboxPolicy(TypedDict):
    type: Literal["dangerFullAccess"]


class ReadOnlySandboxPolicy(TypedDict):
    networkAccess: NotRequired[bool]
    type: Literal["readOnly"]


class ExternalSandboxSandboxPolicy(TypedDict):
    networkAccess: NotRequired[NetworkAccess]
    type: Literal["externalSandbox"]


class WorkspaceWriteSandboxPolicy(TypedDict):
    excludeSlashTmp: NotRequired[bool]
    excludeTmpdirEnvVar: NotRequired[bool]
    networkAccess: NotRequired[bool]
    type: Literal["workspaceWrite"]
    writableRoots: NotRequired[list[AbsolutePathBuf]]


SandboxPolicy: TypeAlias = (
    "DangerFullAccessSandboxPolicy | ReadOnlySandboxPolicy | ExternalSandboxSandboxPolicy | WorkspaceWriteSandboxPolicy"
)


class SandboxWorkspaceWrite(TypedDict):
    exclude_slash_tmp: NotRequired[bool]
    exclude_tmpdir_env_var: NotRequired[bool]
    network_access: NotRequired[bool]
    writable_roots: NotRequired[list[str]]


class HourlyScheduledTaskSchedule(TypedDict):
    days: NotRequired[list[ScheduledTaskWeekday] | None]
    intervalHours: int
    type: Literal["hourly"]


class DailyScheduledTaskSchedule(TypedDict):
    time: str
    type: Literal["daily"]


class WeekdaysScheduledTaskSchedule(TypedDict):
    time: str
    type: Literal["weekdays"]


class WeeklyScheduledTaskSchedule(TypedDict):
    days: list[ScheduledTaskWeekday]
    time: str
    type: Literal["weekly"]


ScheduledTaskSchedule: TypeAlias = "HourlyScheduledTaskSchedule | DailyScheduledTaskSchedule | WeekdaysScheduledTaskSchedule | WeeklyScheduledTaskSchedule"


class ScheduledTaskSummary(TypedDict):
    key: str
    name: str
    prompt: str
    schedule: ScheduledTaskSchedule


ScheduledTaskWeekday: TypeAlias = "Literal['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU']"


class SelectedCapabilityRoot(TypedDict):
    id: str
    location: CapabilityRootLocation


class SendAddCreditsNudgeEmailParams(TypedDict):
    creditType: AddCreditsNudgeCreditType


class SendAddCreditsNudgeEmailResponse(TypedDict):
    status: AddCreditsNudgeEmailStatus


class ServerDiagnosticsGauge(TypedDict):
    name: str
    value: int


class ServerDiagnosticsParams(TypedDict):
    pass


class ServerDiagnosticsProcess(TypedDict):
    id: int
    physicalFootprintBytes: NotRequired[int | None]
    residentMemoryBytes: NotRequired[int | None]


class ServerDiagnosticsResponse(TypedDict):
    gauges: list[ServerDiagnosticsGauge]
    process: ServerDiagnosticsProcess


class ErrorNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["error"]
    params: ErrorNotification


class ThreadStartedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/started"]
    params: ThreadStartedNotification


class ThreadStatusChangedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/status/changed"]
    params: ThreadStatusChangedNotification


class ThreadReadStateChangedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/readState/changed"]
    params: ThreadReadStateChangedNotification


class ThreadArchivedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/archived"]
    params: ThreadArchivedNotification


class ThreadDeletedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/deleted"]
    params: ThreadDeletedNotification


class ThreadUnarchivedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/unarchived"]
    params: ThreadUnarchivedNotification


class ThreadClosedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/closed"]
    params: ThreadClosedNotification


class ThreadRevertedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/reverted"]
    params: ThreadRevertedNotification


class SkillsChangedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["skills/changed"]
    params: SkillsChangedNotification


class ThreadNameUpdatedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/name/updated"]
    params: ThreadNameUpdatedNotification


class ThreadSectionChangedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/section/changed"]
    params: ThreadSectionChangedNotification


class ThreadAttachmentUpdatedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/attachment/updated"]
    params: ThreadAttachmentUpdatedNotification


class ThreadGoalUpdatedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/goal/updated"]
    params: ThreadGoalUpdatedNotification


class ThreadPredictionUpdatedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/prediction/updated"]
    params: ThreadPredictionUpdatedNotification


class ThreadGoalClearedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/goal/cleared"]
    params: ThreadGoalClearedNotification


class ThreadQueueChangedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/queue/changed"]
    params: ThreadQueueChangedNotification


class ProjectChangedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["project/changed"]
    params: ProjectChangedNotification


class ThreadProjectUpdatedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/project/updated"]
    params: ThreadProjectUpdatedNotification


class ThreadEnvironmentConnectedNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/environment/connected"]
    params: EnvironmentConnectionNotification


class ThreadEnvironmentDisconnectedNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/environment/disconnected"]
    params: EnvironmentConnectionNotification


class ThreadSettingsUpdatedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/settings/updated"]
    params: ThreadSettingsUpdatedNotification


class ThreadTokenUsageUpdatedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/tokenUsage/updated"]
    params: ThreadTokenUsageUpdatedNotification


class TurnStartedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["turn/started"]
    params: TurnStartedNotification


class HookStartedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["hook/started"]
    params: HookStartedNotification


class TurnCompletedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["turn/completed"]
    params: TurnCompletedNotification


class HookCompletedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["hook/completed"]
    params: HookCompletedNotification


class TurnDiffUpdatedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["turn/diff/updated"]
    params: TurnDiffUpdatedNotification


class TurnPlanUpdatedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["turn/plan/updated"]
    params: TurnPlanUpdatedNotification


class ItemStartedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["item/started"]
    params: ItemStartedNotification


class ItemAutoApprovalReviewStartedNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["item/autoApprovalReview/started"]
    params: ItemGuardianApprovalReviewStartedNotification


class ItemAutoApprovalReviewCompletedNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["item/autoApprovalReview/completed"]
    params: ItemGuardianApprovalReviewCompletedNotification


class AutoApprovalReviewStrictReviewRequiredNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["autoApprovalReview/strictReviewRequired"]
    params: StrictReviewRequiredNotification


class ItemCompletedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["item/completed"]
    params: ItemCompletedNotification


class ItemAgentMessageDeltaNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["item/agentMessage/delta"]
    params: AgentMessageDeltaNotification


class ItemPlanDeltaNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["item/plan/delta"]
    params: PlanDeltaNotification


class CommandExecOutputDeltaNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["command/exec/outputDelta"]
    params: CommandExecOutputDeltaNotification


class ProcessOutputDeltaNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["process/outputDelta"]
    params: ProcessOutputDeltaNotification


class ThreadSearchPartialNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/search/partial"]
    params: ThreadSearchPartialNotification


class ProcessExitedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["process/exited"]
    params: ProcessExitedNotification


class ItemCommandExecutionOutputDeltaNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["item/commandExecution/outputDelta"]
    params: CommandExecutionOutputDeltaNotification


class ItemCommandExecutionTerminalInteractionNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["item/commandExecution/terminalInteraction"]
    params: TerminalInteractionNotification


class ItemFileChangeOutputDeltaNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["item/fileChange/outputDelta"]
    params: FileChangeOutputDeltaNotification


class ItemFileChangePatchUpdatedNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["item/fileChange/patchUpdated"]
    params: FileChangePatchUpdatedNotification


class ServerRequestResolvedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["serverRequest/resolved"]
    params: ServerRequestResolvedNotification


class ItemMcpToolCallProgressNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["item/mcpToolCall/progress"]
    params: McpToolCallProgressNotification


class McpServerOauthLoginCompletedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["mcpServer/oauthLogin/completed"]
    params: McpServerOauthLoginCompletedNotification


class McpServerStartupStatusUpdatedNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["mcpServer/startupStatus/updated"]
    params: McpServerStatusUpdatedNotification


class McpServerEventStreamNotificationNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["mcpServer/event/stream/notification"]
    params: McpServerEventStreamNotification


class AccountUpdatedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["account/updated"]
    params: AccountUpdatedNotification


class AccountGatewayOAuthChangedNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["account/gatewayOAuth/changed"]
    params: GatewayOAuthChangedNotification


class AccountRateLimitsUpdatedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["account/rateLimits/updated"]
    params: AccountRateLimitsUpdatedNotification


class AppListUpdatedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["app/list/updated"]
    params: AppListUpdatedNotification


class RemoteControlStatusChangedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["remoteControl/status/changed"]
    params: RemoteControlStatusChangedNotification


class ExternalAgentConfigImportProgressNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["externalAgentConfig/import/progress"]
    params: ExternalAgentConfigImportProgressNotification


class ExternalAgentConfigImportCompletedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["externalAgentConfig/import/completed"]
    params: ExternalAgentConfigImportCompletedNotification


class FsChangedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["fs/changed"]
    params: FsChangedNotification


class ItemReasoningSummaryTextDeltaNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["item/reasoning/summaryTextDelta"]
    params: ReasoningSummaryTextDeltaNotification


class ItemReasoningSummaryPartAddedNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["item/reasoning/summaryPartAdded"]
    params: ReasoningSummaryPartAddedNotification


class ItemReasoningTextDeltaNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["item/reasoning/textDelta"]
    params: ReasoningTextDeltaNotification


class ThreadCompactedNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/compacted"]
    params: ContextCompactedNotification


class ModelReroutedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["model/rerouted"]
    params: ModelReroutedNotification


class ModelVerificationNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["model/verification"]
    params: ModelVerificationNotification


class ModelProviderAuthRecoveryStartedNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["modelProvider/authRecoveryStarted"]
    params: AuthRecoveryNotification


class ModelProviderAuthRecoveryCompletedNotification(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["modelProvider/authRecoveryCompleted"]
    params: AuthRecoveryNotification


class TurnModerationMetadataNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["turn/moderationMetadata"]
    params: TurnModerationMetadataNotification


class ModelSafetyBufferingUpdatedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["model/safetyBuffering/updated"]
    params: ModelSafetyBufferingUpdatedNotification


class WarningNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["warning"]
    params: WarningNotification


class GuardianWarningNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["guardianWarning"]
    params: GuardianWarningNotification


class DeprecationNoticeNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["deprecationNotice"]
    params: DeprecationNoticeNotification


class ConfigWarningNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["configWarning"]
    params: ConfigWarningNotification


class FuzzyFileSearchSessionUpdatedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["fuzzyFileSearch/sessionUpdated"]
    params: FuzzyFileSearchSessionUpdatedNotification


class FuzzyFileSearchSessionCompletedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["fuzzyFileSearch/sessionCompleted"]
    params: FuzzyFileSearchSessionCompletedNotification


class ThreadRealtimeStartedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/realtime/started"]
    params: ThreadRealtimeStartedNotification


class ThreadRealtimeItemAddedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/realtime/itemAdded"]
    params: ThreadRealtimeItemAddedNotification


class ThreadRealtimeItemStartedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/realtime/item/started"]
    params: ThreadRealtimeItemStartedNotification


class ThreadRealtimeItemTranscriptDeltaNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/realtime/item/transcript/delta"]
    params: ThreadRealtimeItemTranscriptDeltaNotification


class ThreadRealtimeItemCompletedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/realtime/item/completed"]
    params: ThreadRealtimeItemCompletedNotification


class ThreadRealtimeTranscriptDeltaNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/realtime/transcript/delta"]
    params: ThreadRealtimeTranscriptDeltaNotification


class ThreadRealtimeTranscriptDoneNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/realtime/transcript/done"]
    params: ThreadRealtimeTranscriptDoneNotification


class ThreadRealtimeOutputAudioDeltaNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/realtime/outputAudio/delta"]
    params: ThreadRealtimeOutputAudioDeltaNotification


class ThreadRealtimeSdpNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/realtime/sdp"]
    params: ThreadRealtimeSdpNotification


class ThreadRealtimeErrorNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/realtime/error"]
    params: ThreadRealtimeErrorNotification


class ThreadRealtimeClosedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["thread/realtime/closed"]
    params: ThreadRealtimeClosedNotification


class WindowsWorldWritableWarningNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["windows/worldWritableWarning"]
    params: WindowsWorldWritableWarningNotification


class WindowsSandboxSetupCompletedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["windowsSandbox/setupCompleted"]
    params: WindowsSandboxSetupCompletedNotification


class AccountLoginCompletedNotification_(TypedDict):
    emittedAtMs: NotRequired[int]
    method: Literal["account/login/completed"]
    params: AccountLoginCompletedNotification


ServerNotification: TypeAlias = "ErrorNotification_ | ThreadStartedNotification_ | ThreadStatusChangedNotification_ | ThreadReadStateChangedNotification_ | ThreadArchivedNotification_ | ThreadDeletedNotification_ | ThreadUnarchivedNotification_ | ThreadClosedNotification_ | ThreadRevertedNotification_ | SkillsChangedNotification_ | ThreadNameUpdatedNotification_ | ThreadSectionChangedNotification_ | ThreadAttachmentUpdatedNotification_ | ThreadGoalUpdatedNotification_ | ThreadPredictionUpdatedNotification_ | ThreadGoalClearedNotification_ | ThreadQueueChangedNotification_ | ProjectChangedNotification_ | ThreadProjectUpdatedNotification_ | ThreadEnvironmentConnectedNotification | ThreadEnvironmentDisconnectedNotification | ThreadSettingsUpdatedNotification_ | ThreadTokenUsageUpdatedNotification_ | TurnStartedNotification_ | HookStartedNotification_ | TurnCompletedNotification_ | HookCompletedNotification_ | TurnDiffUpdatedNotification_ | TurnPlanUpdatedNotification_ | ItemStartedNotification_ | ItemAutoApprovalReviewStartedNotification | ItemAutoApprovalReviewCompletedNotification | AutoApprovalReviewStrictReviewRequiredNotification | ItemCompletedNotification_ | ItemAgentMessageDeltaNotification | ItemPlanDeltaNotification | CommandExecOutputDeltaNotification_ | ProcessOutputDeltaNotification_ | ThreadSearchPartialNotification_ | ProcessExitedNotification_ | ItemCommandExecutionOutputDeltaNotification | ItemCommandExecutionTerminalInteractionNotification | ItemFileChangeOutputDeltaNotification | ItemFileChangePatchUpdatedNotification | ServerRequestResolvedNotification_ | ItemMcpToolCallProgressNotification | McpServerOauthLoginCompletedNotification_ | McpServerStartupStatusUpdatedNotification | McpServerEventStreamNotificationNotification | AccountUpdatedNotification_ | AccountGatewayOAuthChangedNotification | AccountRateLimitsUpdatedNotification_ | AppListUpdatedNotification_ | RemoteControlStatusChangedNotification_ | ExternalAgentConfigImportProgressNotification_ | ExternalAgentConfigImportCompletedNotification_ | FsChangedNotification_ | ItemReasoningSummaryTextDeltaNotification | ItemReasoningSummaryPartAddedNotification | ItemReasoningTextDeltaNotification | ThreadCompactedNotification | ModelReroutedNotification_ | ModelVerificationNotification_ | ModelProviderAuthRecoveryStartedNotification | ModelProviderAuthRecoveryCompletedNotification | TurnModerationMetadataNotification_ | ModelSafetyBufferingUpdatedNotification_ | WarningNotification_ | GuardianWarningNotification_ | DeprecationNoticeNotification_ | ConfigWarningNotification_ | FuzzyFileSearchSessionUpdatedNotification_ | FuzzyFileSearchSessionCompletedNotification_ | ThreadRealtimeStartedNotification_ | ThreadRealtimeItemAddedNotification_ | ThreadRealtimeItemStartedNotification_ | ThreadRealtimeItemTranscriptDeltaNotification_ | ThreadRealtimeItemCompletedNotification_ | ThreadRealtimeTranscriptDeltaNotification_ | ThreadRealtimeTranscriptDoneNotification_ | ThreadRealtimeOutputAudioDeltaNotification_ | ThreadRealtimeSdpNotification_ | ThreadRealtimeErrorNotification_ | ThreadRealtimeClosedNotification_ | WindowsWorldWritableWarningNotification_ | WindowsSandboxSetupCompletedNotification_ | AccountLoginCompletedNotification_"


class ItemCommandExecutionRequestApprovalRequest(TypedDict):
    id: RequestId
    method: Literal["item/commandExecution/requestApproval"]
    params: CommandExecutionRequestApprovalParams


class ItemFileChangeRequestApprovalRequest(TypedDict):
    id: RequestId
    method: Literal["item/fileChange/requestApproval"]
    params: FileChangeRequestApprovalParams


class ItemToolRequestUserInputRequest(TypedDict):
    id: RequestId
    method: Literal["item/tool/requestUserInput"]
    params: ToolRequestUserInputParams


class McpServerElicitationRequestRequest(TypedDict):
    id: RequestId
    method: Literal["mcpServer/elicitation/request"]
    params: McpServerElicitationRequestParams


class ItemPermissionsRequestApprovalRequest(TypedDict):
    id: RequestId
    method: Literal["item/permissions/requestApproval"]
    params: PermissionsRequestApprovalParams


class ItemToolCallRequest(TypedDict):
    id: RequestId
    method: Literal["item/tool/call"]
    params: DynamicToolCallParams


class AccountChatgptAuthTokensRefreshRequest(TypedDict):
    id: RequestId
    method: Literal["account/chatgptAuthTokens/refresh"]
    params: ChatgptAuthTokensRefreshParams


class AttestationGenerateRequest(TypedDict):
    id: RequestId
    method: Literal["attestation/generate"]
    params: AttestationGenerateParams


class ApplyPatchApprovalRequest(TypedDict):
    id: RequestId
    method: Literal["applyPatchApproval"]
    params: ApplyPatchApprovalParams


class ExecCommandApprovalRequest(TypedDict):
    id: RequestId
    method: Literal["execCommandApproval"]
    params: ExecCommandApprovalParams


ServerRequest: TypeAlias = "ItemCommandExecutionRequestApprovalRequest | ItemFileChangeRequestApprovalRequest | ItemToolRequestUserInputRequest | McpServerElicitationRequestRequest | ItemPermissionsRequestApprovalRequest | ItemToolCallRequest | AccountChatgptAuthTokensRefreshRequest | AttestationGenerateRequest | ApplyPatchApprovalRequest | ExecCommandApprovalRequest"


class ServerRequestResolvedNotification(TypedDict):
    requestId: RequestId
    threadId: str


class SessionMigration(TypedDict):
    cwd: str
    path: str
    title: NotRequired[str | None]


class CustomSessionSource(TypedDict):
    custom: str


class SubAgentSessionSource(TypedDict):
    subAgent: SubAgentSource


SessionSource: TypeAlias = (
    "Literal['cli', 'vscode', 'exec', 'appServer', 'unknown'] | CustomSessionSource | SubAgentSessionSource"
)


class Settings(TypedDict):
    developer_instructions: NotRequired[str | None]
    model: str
    reasoning_effort: NotRequired[ReasoningEffort | None]


class SkillDependencies(TypedDict):
    tools: list[SkillToolDependency]


class SkillErrorInfo(TypedDict):
    message: str
    path: str


class SkillInterface(TypedDict):
    brandColor: NotRequired[str | None]
    defaultPrompt: NotRequired[str | None]
    displayName: NotRequired[str | None]
    iconLarge: NotRequired[AbsolutePathBuf | None]
    iconLargeUrl: NotRequired[str | None]
    iconSmall: NotRequired[AbsolutePathBuf | None]
    iconSmallUrl: NotRequired[str | None]
    shortDescription: NotRequired[str | None]


class SkillMetadata(TypedDict):
    dependencies: NotRequired[SkillDependencies | None]
    description: str
    enabled: bool
    interface: NotRequired[SkillInterface | None]
    name: str
    path: LegacyAppPathString
    pluginId: NotRequired[str | None]
    scope: SkillScope
    shortDescription: NotRequired[str | None]


class SkillMigration(TypedDict):
    name: str


SkillScope: TypeAlias = "Literal['user', 'repo', 'system', 'admin']"


class SkillSummary(TypedDict):
    description: str
    enabled: bool
    interface: NotRequired[SkillInterface | None]
    name: str
    path: NotRequired[LegacyAppPathString | None]
    shortDescription: NotRequired[str | None]


class SkillToolDependency(TypedDict):
    command: NotRequired[str | None]
    description: NotRequired[str | None]
    transport: NotRequired[str | None]
    type: str
    url: NotRequired[str | None]
    value: str


class SkillsChangedNotification(TypedDict):
    pass


class SkillsConfigWriteParams(TypedDict):
    enabled: bool
    name: NotRequired[str | None]
    path: NotRequired[AbsolutePathBuf | None]


class SkillsConfigWriteResponse(TypedDict):
    effectiveEnabled: bool


class SkillsExtraRootsSetParams(TypedDict):
    extraRoots: list[AbsolutePathBuf]


class SkillsExtraRootsSetResponse(TypedDict):
    pass


class SkillsListEntry(TypedDict):
    cwd: str
    errors: list[SkillErrorInfo]
    skills: list[SkillMetadata]


class SkillsListParams(TypedDict):
    cwds: NotRequired[list[str]]
    forceReload: NotRequired[bool]


class SkillsListResponse(TypedDict):
    data: list[SkillsListEntry]


SortDirection: TypeAlias = "Literal['asc', 'desc']"


class SpendControlLimitSnapshot(TypedDict):
    limit: str
    remainingPercent: int
    resetsAt: int
    used: str


class StrictReviewRequiredNotification(TypedDict):
    startedAtMs: int
    threadId: str
    turnId: str


SubAgentActivityKind: TypeAlias = "Literal['started', 'interacted', 'interrupted', 'completed']"


class ThreadSpawnSubAgentSourceThreadSpawn(TypedDict):
    agent_nickname: NotRequired[str | None]
    agent_path: NotRequired[AgentPath | None]
    agent_role: NotRequired[str | None]
    depth: int
    parent_thread_id: ThreadId


class ThreadSpawnSubAgentSource(TypedDict):
    thread_spawn: ThreadSpawnSubAgentSourceThreadSpawn


class OtherSubAgentSource(TypedDict):
    other: str


SubAgentSource: TypeAlias = (
    "Literal['review', 'compact', 'memory_consolidation'] | ThreadSpawnSubAgentSource | OtherSubAgentSource"
)


class SubagentMigration(TypedDict):
    name: str


class TerminalInteractionNotification(TypedDict):
    itemId: str
    processId: str
    stdin: str
    threadId: str
    turnId: str


class TextElement(TypedDict):
    byteRange: ByteRange
    placeholder: NotRequired[str | None]


class TextPosition(TypedDict):
    column: int
    line: int


class TextRange(TypedDict):
    end: TextPosition
    start: TextPosition


class Thread(TypedDict):
    agentNickname: NotRequired[str | None]
    agentRole: NotRequired[str | None]
    attachedToThreadId: NotRequired[str | None]
    canAcceptDirectInput: NotRequired[bool | None]
    cliVersion: str
    createdAt: int
    cwd: AbsolutePathBuf
    daybreakEnabled: NotRequired[bool | None]
    environments: NotRequired[list[ThreadEnvironment] | None]
    ephemeral: bool
    extra: NotRequired[ThreadExtra | None]
    forkedFromId: NotRequired[str | None]
    gitInfo: NotRequired[GitInfo | None]
    historyMode: NotRequired[ThreadHistoryMode]
    id: str
    model: NotRequired[str | None]
    modelProvider: str
    name: NotRequired[str | None]
    originator: NotRequired[str | None]
    parentThreadId: NotRequired[str | None]
    path: NotRequired[str | None]
    preview: str
    projectId: str | None
    reasoningEffort: NotRequired[ReasoningEffort | None]
    recencyAt: NotRequired[int | None]
    section: NotRequired[ThreadSection | None]
    sectionEnteredAt: NotRequired[int | None]
    sessionId: str
    source: SessionSource
    status: ThreadStatus
    threadSource: NotRequired[ThreadSource | None]
    turns: list[Turn]
    updatedAt: int


ThreadActiveFlag: TypeAlias = "Literal['waitingOnApproval', 'waitingOnUserInput']"


class ThreadApproveGuardianDeniedActionParams(TypedDict):
    event: Any
    threadId: str


class ThreadApproveGuardianDeniedActionResponse(TypedDict):
    pass


class ThreadArchiveParams(TypedDict):
    threadId: str


class ThreadArchiveResponse(TypedDict):
    pass


class ThreadArchivedNotification(TypedDict):
    threadId: str


class ThreadAttachment(TypedDict):
    attachmentType: str
    createdAt: int
    id: str
    identityKey: str
    payload: Any


ThreadAttachmentAddOutcome: TypeAlias = "Literal['created', 'existing']"


class ThreadAttachmentAddParams(TypedDict):
    attachmentType: str
    identityKey: str
    payload: Any
    threadId: str


class ThreadAttachmentAddResponse(TypedDict):
    attachment: ThreadAttachment
    outcome: ThreadAttachmentAddOutcome


class ThreadAttachmentListParams(TypedDict):
    cursor: NotRequired[str | None]
    limit: NotRequired[int | None]
    threadId: str


class ThreadAttachmentListResponse(TypedDict):
    data: list[ThreadAttachment]
    nextCursor: NotRequired[str | None]


ThreadAttachmentOperation: TypeAlias = "Literal['created', 'deleted']"


class ThreadAttachmentOwner(TypedDict):
    archived: bool
    threadId: str


class ThreadAttachmentOwnerListParams(TypedDict):
    archived: NotRequired[bool | None]
    attachmentType: str
    cursor: NotRequired[str | None]
    identityKey: str
    limit: NotRequired[int | None]


class ThreadAttachmentOwnerListResponse(TypedDict):
    data: list[ThreadAttachmentOwner]
    nextCursor: NotRequired[str | None]


class ThreadAttachmentRemoveParams(TypedDict):
    attachmentType: str
    identityKey: str
    threadId: str


class ThreadAttachmentRemoveResponse(TypedDict):
    pass


class ThreadAttachmentUpdatedNotification(TypedDict):
    attachmentId: str
    attachmentType: str
    identityKey: str
    operation: ThreadAttachmentOperation
    threadId: str


class ThreadBackgroundTerminal(TypedDict):
    command: str
    cpuPercent: NotRequired[float | None]
    cwd: LegacyAppPathString
    itemId: str
    osPid: NotRequired[int | None]
    processId: str
    rssKb: NotRequired[int | None]


class ThreadBackgroundTerminalsCleanParams(TypedDict):
    threadId: str


class ThreadBackgroundTerminalsCleanResponse(TypedDict):
    pass


class ThreadBackgroundTerminalsListParams(TypedDict):
    cursor: NotRequired[str | None]
    limit: NotRequired[int | None]
    threadId: str


class ThreadBackgroundTerminalsListResponse(TypedDict):
    data: list[ThreadBackgroundTerminal]
    nextCursor: NotRequired[str | None]


class ThreadBackgroundTerminalsTerminateParams(TypedDict):
    processId: str
    threadId: str


class ThreadBackgroundTerminalsTerminateResponse(TypedDict):
    terminated: bool


class ThreadClosedNotification(TypedDict):
    threadId: str


class ThreadCompactStartParams(TypedDict):
    threadId: str


class ThreadCompactStartResponse(TypedDict):
    pass


class ThreadDecrementElicitationParams(TypedDict):
    threadId: str


class ThreadDecrementElicitationResponse(TypedDict):
    count: int
    paused: bool


class ThreadDeleteParams(TypedDict):
    threadId: str


class ThreadDeleteResponse(TypedDict):
    pass


class ThreadDeletedNotification(TypedDict):
    threadId: str


class ThreadEnvironment(TypedDict):
    cwd: LegacyAppPathString
    environmentId: str
    runtimeWorkspaceRoots: list[LegacyAppPathString]


class ThreadExtra(TypedDict):
    pass


class ThreadForkParams(TypedDict):
    approvalPolicy: NotRequired[AskForApproval | None]
    approvalsReviewer: NotRequired[ApprovalsReviewer | None]
    attachToSource: NotRequired[bool]
    baseInstructions: NotRequired[str | None]
    beforeTurnId: NotRequired[str | None]
    config: NotRequired[dict[str, Any] | None]
    cwd: NotRequired[str | None]
    deferGoalContinuation: NotRequired[bool]
    developerInstructions: NotRequired[str | None]
    ephemeral: NotRequired[bool]
    excludeTurns: NotRequired[bool]
    experimentalDisablePredictionMcp: NotRequired[bool]
    experimentalPredictionMode: NotRequired[bool]
    lastTurnId: NotRequired[str | None]
    model: NotRequired[str | None]
    modelProvider: NotRequired[str | None]
    path: NotRequired[str | None]
    permissions: NotRequired[str | None]
    runtimeWorkspaceRoots: NotRequired[list[AbsolutePathBuf] | None]
    sandbox: NotRequired[SandboxMode | None]
    serviceTier: NotRequired[str | None]
    threadId: str
    threadSource: NotRequired[ThreadSource | None]


class ThreadForkResponse(TypedDict):
    activePermissionProfile: NotRequired[ActivePermissionProfile | None]
    approvalPolicy: AskForApproval
    approvalsReviewer: ApprovalsReviewer
    cwd: AbsolutePathBuf
    disabledPluginIds: NotRequired[list[str]]
    instructionSources: NotRequired[list[LegacyAppPathString]]
    model: str
    modelProvider: str
    multiAgentMode: NotRequired[MultiAgentMode]
    reasoningEffort: NotRequired[ReasoningEffort | None]
    runtimeWorkspaceRoots: NotRequired[list[AbsolutePathBuf]]
    sandbox: SandboxPolicy
    serviceTier: NotRequired[str | None]
    thread: Thread


class ThreadGoal(TypedDict):
    createdAt: int
    objective: str
    status: ThreadGoalStatus
    threadId: str
    timeUsedSeconds: int
    tokenBudget: NotRequired[int | None]
    tokensUsed: int
    updatedAt: int


class ThreadGoalClearParams(TypedDict):
    origin: NotRequired[ThreadGoalMutationOrigin | None]
    threadId: str


class ThreadGoalClearResponse(TypedDict):
    cleared: bool


class ThreadGoalClearedNotification(TypedDict):
    threadId: str


class ThreadGoalGetParams(TypedDict):
    threadId: str


class ThreadGoalGetResponse(TypedDict):
    goal: NotRequired[ThreadGoal | None]


ThreadGoalMutationOrigin: TypeAlias = "Literal['user', 'automatic']"


class ThreadGoalSetParams(TypedDict):
    objective: NotRequired[str | None]
    origin: NotRequired[ThreadGoalMutationOrigin | None]
    status: NotRequired[ThreadGoalStatus | None]
    threadId: str
    tokenBudget: NotRequired[int | None]


class ThreadGoalSetResponse(TypedDict):
    goal: ThreadGoal


ThreadGoalStatus: TypeAlias = "Literal['active', 'paused', 'blocked', 'usageLimited', 'budgetLimited', 'complete']"


class ThreadGoalUpdatedNotification(TypedDict):
    goal: ThreadGoal
    threadId: str
    turnId: NotRequired[str | None]


class ThreadGuardianAssessment(TypedDict):
    outcome: GuardianAssessmentOutcome
    rationale: str
    riskLevel: GuardianRiskLevel
    userAuthorization: GuardianUserAuthorization


class ThreadGuardianReviewParams(TypedDict):
    threadId: str


class ThreadGuardianReviewResponse(TypedDict):
    assessment: NotRequired[ThreadGuardianAssessment | None]
    callId: str


ThreadHistoryMode: TypeAlias = "Literal['legacy', 'paginated']"

ThreadId: TypeAlias = "str"


class ThreadIncrementElicitationParams(TypedDict):
    threadId: str


class ThreadIncrementElicitationResponse(TypedDict):
    count: int
    paused: bool


class ThreadInjectItemsParams(TypedDict):
    items: list[Any]
    threadId: str


class ThreadInjectItemsResponse(TypedDict):
    pass


class UserMessageThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    clientId: NotRequired[str | None]
    content: list[UserInput]
    id: str
    type: Literal["userMessage"]


class HookPromptThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    fragments: list[HookPromptFragment]
    id: str
    type: Literal["hookPrompt"]


class AgentMessageThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    delivery: NotRequired[AgentMessageDelivery | None]
    id: str
    memoryCitation: NotRequired[MemoryCitation | None]
    moderation: NotRequired[AgentMessageModeration | None]
    phase: NotRequired[MessagePhase | None]
    questions: NotRequired[list[AsyncUserInputQuestion] | None]
    text: str
    type: Literal["agentMessage"]


class FunctionCallOutputThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    id: str
    name: str
    namespace: NotRequired[str | None]
    output: FunctionCallOutputBody
    type: Literal["functionCallOutput"]


class PlanThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    id: str
    text: str
    type: Literal["plan"]


class ReasoningThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    content: NotRequired[list[str]]
    id: str
    summary: NotRequired[list[str]]
    type: Literal["reasoning"]


class CommandExecutionThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    aggregatedOutput: NotRequired[str | None]
    command: str
    commandActions: list[CommandAction]
    cwd: LegacyAppPathString
    durationMs: NotRequired[int | None]
    exitCode: NotRequired[int | None]
    id: str
    pluginId: NotRequired[str | None]
    processId: NotRequired[str | None]
    scriptPath: NotRequired[str | None]
    source: NotRequired[CommandExecutionSource]
    status: CommandExecutionStatus
    type: Literal["commandExecution"]


class FileChangeThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    changes: list[FileUpdateChange]
    id: str
    status: PatchApplyStatus
    type: Literal["fileChange"]


class McpToolCallThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    appContext: NotRequired[McpToolCallAppContext | None]
    arguments: Any
    durationMs: NotRequired[int | None]
    environmentId: NotRequired[str | None]
    error: NotRequired[McpToolCallError | None]
    id: str
    mcpAppResourceUri: NotRequired[str | None]
    mcpAppUi: NotRequired[McpAppUi | None]
    pluginId: NotRequired[str | None]
    readOnlyHint: NotRequired[bool | None]
    result: NotRequired[McpToolCallResult | None]
    server: str
    status: McpToolCallStatus
    tool: str
    type: Literal["mcpToolCall"]


class DynamicToolCallThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    arguments: Any
    contentItems: NotRequired[list[DynamicToolCallOutputContentItem] | None]
    durationMs: NotRequired[int | None]
    id: str
    namespace: NotRequired[str | None]
    status: DynamicToolCallStatus
    success: NotRequired[bool | None]
    tool: str
    type: Literal["dynamicToolCall"]


class CollabAgentToolCallThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    agentsStates: dict[str, CollabAgentState]
    id: str
    model: NotRequired[str | None]
    prompt: NotRequired[str | None]
    reasoningEffort: NotRequired[ReasoningEffort | None]
    receiverThreadIds: list[str]
    senderThreadId: str
    status: CollabAgentToolCallStatus
    tool: CollabAgentTool
    type: Literal["collabAgentToolCall"]


class SubAgentActivityThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    agentPath: str
    agentThreadId: str
    id: str
    kind: SubAgentActivityKind
    model: NotRequired[str | None]
    reasoningEffort: NotRequired[ReasoningEffort | None]
    type: Literal["subAgentActivity"]


class WebSearchThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    action: NotRequired[WebSearchAction | None]
    id: str
    query: str
    results: NotRequired[list[Any] | None]
    type: Literal["webSearch"]


class ImageViewThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    id: str
    path: LegacyAppPathString
    type: Literal["imageView"]


class SleepThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    durationMs: int
    id: str
    type: Literal["sleep"]


class FileIdThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    failure: NotRequired[ImageGenerationFailure | None]
    generationId: NotRequired[str | None]
    id: str
    inputImages: NotRequired[list[ImageGenerationInputImage]]
    revisedPrompt: NotRequired[str | None]
    savedPath: NotRequired[AbsolutePathBuf | None]
    status: str
    transparentBackground: NotRequired[bool | None]
    type: Literal["imageGeneration"]
    fileId: str


class ResultThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    failure: NotRequired[ImageGenerationFailure | None]
    generationId: NotRequired[str | None]
    id: str
    inputImages: NotRequired[list[ImageGenerationInputImage]]
    revisedPrompt: NotRequired[str | None]
    savedPath: NotRequired[AbsolutePathBuf | None]
    status: str
    transparentBackground: NotRequired[bool | None]
    type: Literal["imageGeneration"]
    result: str


class EnteredReviewModeThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    id: str
    review: str
    type: Literal["enteredReviewMode"]


class ExitedReviewModeThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    id: str
    review: str
    type: Literal["exitedReviewMode"]


class ContextCompactionThreadItem(TypedDict):
    completedAtMs: NotRequired[int | None]
    startedAtMs: NotRequired[int | None]
    id: str
    type: Literal["contextCompaction"]


ThreadItem: TypeAlias = "UserMessageThreadItem | HookPromptThreadItem | AgentMessageThreadItem | FunctionCallOutputThreadItem | PlanThreadItem | ReasoningThreadItem | CommandExecutionThreadItem | FileChangeThreadItem | McpToolCallThreadItem | DynamicToolCallThreadItem | CollabAgentToolCallThreadItem | SubAgentActivityThreadItem | WebSearchThreadItem | ImageViewThreadItem | SleepThreadItem | FileIdThreadItem | ResultThreadItem | EnteredReviewModeThreadItem | ExitedReviewModeThreadItem | ContextCompactionThreadItem"


class ThreadItemEntry(TypedDict):
    completedAtMs: NotRequired[int | None]
    item: ThreadItem
    outputDeferred: NotRequired[bool]
    startedAtMs: NotRequired[int | None]
    turnId: str


class ThreadItemOutputDeferral(TypedDict):
    commandExecution: NotRequired[bool]
    mcpToolCall: NotRequired[bool]


class ItemThreadItemsListAnchor(TypedDict):
    itemId: str
    type: Literal["item"]


ThreadItemsListAnchor: TypeAlias = "ItemThreadItemsListAnchor"

ThreadItemsListCursor: TypeAlias = "str | ThreadItemsListAnchor"


class ThreadItemsListParams(TypedDict):
    cursor: NotRequired[ThreadItemsListCursor | None]
    deferOutput: NotRequired[ThreadItemOutputDeferral | None]
    limit: NotRequired[int | None]
    sortDirection: NotRequired[SortDirection | None]
    threadId: str
    turnId: NotRequired[str | None]


class ThreadItemsListResponse(TypedDict):
    backwardsCursor: NotRequired[str | None]
    data: list[ThreadItemEntry]
    nextCursor: NotRequired[str | None]


class ThreadItemsReadParams(TypedDict):
    itemIds: list[str]
    threadId: str
    turnId: str


class ThreadItemsReadResponse(TypedDict):
    data: list[ThreadItemEntry]


ThreadListCwdFilter: TypeAlias = "str | list[str]"


class ThreadListParams(TypedDict):
    ancestorThreadId: NotRequired[str | None]
    archived: NotRequired[bool | None]
    attachedToThreadId: NotRequired[str | None]
    currentAccountOnly: NotRequired[bool]
    cursor: NotRequired[str | None]
    cwd: NotRequired[ThreadListCwdFilter | None]
    excludedThreadIds: NotRequired[list[str] | None]
    includeAttachedThreads: NotRequired[bool]
    includedThreadIds: NotRequired[list[str] | None]
    limit: NotRequired[int | None]
    modelProviders: NotRequired[list[str] | None]
    originators: NotRequired[list[str] | None]
    parentThreadId: NotRequired[str | None]
    projectId: NotRequired[str | None]
    searchTerm: NotRequired[str | None]
    sectionId: NotRequired[str | None]
    sortDirection: NotRequired[SortDirection | None]
    sortKey: NotRequired[ThreadSortKey | None]
    sourceKinds: NotRequired[list[ThreadSourceKind] | None]
    useStateDbOnly: NotRequired[bool]


class ThreadListResponse(TypedDict):
    backwardsCursor: NotRequired[str | None]
    data: list[Thread]
    nextCursor: NotRequired[str | None]
    readStates: NotRequired[dict[str, ThreadReadState] | None]


class ThreadLoadedListParams(TypedDict):
    cursor: NotRequired[str | None]
    limit: NotRequired[int | None]


class ThreadLoadedListResponse(TypedDict):
    data: list[str]
    nextCursor: NotRequired[str | None]


ThreadMemoryMode: TypeAlias = "Literal['enabled', 'disabled']"


class ThreadMemoryModeSetParams(TypedDict):
    mode: ThreadMemoryMode
    threadId: str


class ThreadMemoryModeSetResponse(TypedDict):
    pass


class ThreadMemoryReadParams(TypedDict):
    threadId: str


class ThreadMemoryReadResponse(TypedDict):
    summary: NotRequired[str | None]


class ThreadMetadataGitInfoUpdateParams(TypedDict):
    branch: NotRequired[str | None]
    originUrl: NotRequired[str | None]
    sha: NotRequired[str | None]


class ThreadMetadataUpdateParams(TypedDict):
    daybreakEnabled: NotRequired[bool | None]
    gitInfo: NotRequired[ThreadMetadataGitInfoUpdateParams | None]
    projectId: NotRequired[str | None]
    threadId: str


class ThreadMetadataUpdateResponse(TypedDict):
    thread: Thread


class ThreadNameUpdatedNotification(TypedDict):
    threadId: str
    threadName: NotRequired[str | None]


class ThreadPredictionRequestParams(TypedDict):
    sourceTurnId: str
    threadId: str


class ThreadPredictionRequestResponse(TypedDict):
    pass


class CompletedThreadPredictionResult(TypedDict):
    text: NotRequired[str | None]
    type: Literal["completed"]


class FailedThreadPredictionResult(TypedDict):
    type: Literal["failed"]


ThreadPredictionResult: TypeAlias = "CompletedThreadPredictionResult | FailedThreadPredictionResult"


class ThreadPredictionUpdatedNotification(TypedDict):
    result: ThreadPredictionResult
    sourceTurnId: str
    threadId: str


class ThreadPrepareApprovedPlanParams(TypedDict):
    attachmentPath: NotRequired[str | None]
    markdown: str
    threadId: str


class ThreadPrepareApprovedPlanResponse(TypedDict):
    prompt: str


class ThreadProjectUpdatedNotification(TypedDict):
    projectId: str | None
    threadId: str


class ThreadQueueAddParams(TypedDict):
    clientUserMessageId: str
    input: list[UserInput]
    responsesapiClientMetadata: NotRequired[dict[str, str] | None]
    threadId: str


class ThreadQueueAddResponse(TypedDict):
    queuedSubmission: QueuedSubmission


class ThreadQueueChangedNotification(TypedDict):
    threadId: str


class ThreadQueueDeleteParams(TypedDict):
    queuedSubmissionId: str
    threadId: str


class ThreadQueueDeleteResponse(TypedDict):
    deleted: bool


class ThreadQueueListParams(TypedDict):
    cursor: NotRequired[str | None]
    limit: NotRequired[int | None]
    threadId: str


class ThreadQueueListResponse(TypedDict):
    data: list[QueuedSubmission]
    nextCursor: NotRequired[str | None]


class ThreadQueueReorderParams(TypedDict):
    queuedSubmissionIds: list[str]
    threadId: str


class ThreadQueueReorderResponse(TypedDict):
    pass


class ThreadQueueStartParams(TypedDict):
    queuedSubmissionId: NotRequired[str | None]
    threadId: str


class ThreadQueueStartResponse(TypedDict):
    turn: Turn


class ThreadQueueUpdateParams(TypedDict):
    input: list[UserInput]
    queuedSubmissionId: str
    responsesapiClientMetadata: NotRequired[dict[str, str] | None]
    threadId: str


class ThreadQueueUpdateResponse(TypedDict):
    queuedSubmission: QueuedSubmission


class ThreadReadParams(TypedDict):
    includeTurns: NotRequired[bool]
    threadId: str


class ThreadReadResponse(TypedDict):
    readState: NotRequired[ThreadReadState | None]
    thread: Thread


class ThreadReadState(TypedDict):
    firstUnread: NotRequired[ThreadUnreadPosition | None]
    revision: str


class ThreadReadStateChangedNotification(TypedDict):
    readState: ThreadReadState
    threadId: str


class ReadThreadReadStateOperation(TypedDict):
    type: Literal["read"]


class UnreadThreadReadStateOperation(TypedDict):
    type: Literal["unread"]


ThreadReadStateOperation: TypeAlias = "ReadThreadReadStateOperation | UnreadThreadReadStateOperation"


class ThreadReadStateUpdateParams(TypedDict):
    expectedRevision: str
    operation: ThreadReadStateOperation
    threadId: str


class ThreadReadStateUpdateResponse(TypedDict):
    readState: ThreadReadState


class ThreadRealtimeAppendAudioParams(TypedDict):
    audio: ThreadRealtimeAudioChunk
    threadId: str


class ThreadRealtimeAppendAudioResponse(TypedDict):
    pass


class ThreadRealtimeAppendSpeechParams(TypedDict):
    text: str
    threadId: str


class ThreadRealtimeAppendSpeechResponse(TypedDict):
    pass


class ThreadRealtimeAppendTextParams(TypedDict):
    role: NotRequired[ConversationTextRole]
    text: str
    threadId: str


class ThreadRealtimeAppendTextResponse(TypedDict):
    pass


class ThreadRealtimeAudioChunk(TypedDict):
    data: str
    itemId: NotRequired[str | None]
    numChannels: int
    sampleRate: int
    samplesPerChannel: NotRequired[int | None]


class WholeItemThreadRealtimeBemItemPresentation(TypedDict):
    type: Literal["wholeItem"]


class InlineMarkdownThreadRealtimeBemItemPresentation(TypedDict):
    type: Literal["inlineMarkdown"]


class InlineVisualizationThreadRealtimeBemItemPresentation(TypedDict):
    index: int
    type: Literal["inlineVisualization"]


ThreadRealtimeBemItemPresentation: TypeAlias = "WholeItemThreadRealtimeBemItemPresentation | InlineMarkdownThreadRealtimeBemItemPresentation | InlineVisualizationThreadRealtimeBemItemPresentation"


class ThreadRealtimeClosedNotification(TypedDict):
    reason: NotRequired[str | None]
    threadId: str


ThreadRealtimeCoverage: TypeAlias = "Literal['unsupported', 'pending', 'ready']"


class ThreadRealtimeEntry(TypedDict):
    item: ThreadRealtimeItem
    position: int


class ThreadRealtimeErrorNotification(TypedDict):
    message: str
    threadId: str


class ThreadRealtimeFrameChannels(TypedDict):
    voice_transcript: ThreadRealtimeVoiceTranscript


ThreadRealtimeHandoffMode: TypeAlias = "Literal['start', 'steer']"


class ThreadRealtimeInitialItem(TypedDict):
    role: ConversationTextRole
    text: str


class RealtimeSessionStartedThreadRealtimeItem(TypedDict):
    id: str
    observedAtMs: NotRequired[int | None]
    realtimeSessionId: str
    type: Literal["realtimeSessionStarted"]


class FrameThreadRealtimeItem(TypedDict):
    id: str
    observedAtMs: NotRequired[int | None]
    realtimeSessionId: str
    channels: ThreadRealtimeFrameChannels
    type: Literal["frame"]


class TranscriptSegmentThreadRealtimeItem(TypedDict):
    id: str
    observedAtMs: NotRequired[int | None]
    realtimeSessionId: str
    role: ThreadRealtimeTranscriptRole
    text: str
    type: Literal["transcriptSegment"]


class BemItemPromotedThreadRealtimeItem(TypedDict):
    id: str
    observedAtMs: NotRequired[int | None]
    realtimeSessionId: str
    item_id: str
    presentation: ThreadRealtimeBemItemPresentation
    turn_id: str
    type: Literal["bemItemPromoted"]


class RealtimeSessionClosedThreadRealtimeItem(TypedDict):
    id: str
    observedAtMs: NotRequired[int | None]
    realtimeSessionId: str
    outcome: ThreadRealtimeSessionOutcome
    type: Literal["realtimeSessionClosed"]


class TurnInputAcceptedThreadRealtimeItem(TypedDict):
    id: str
    observedAtMs: NotRequired[int | None]
    realtimeSessionId: str
    handoff_id: str
    input: str
    input_item_id: str
    mode: ThreadRealtimeHandoffMode
    source_event_ids: list[str]
    turn_id: str
    type: Literal["turnInputAccepted"]


class SessionEndInputSavedThreadRealtimeItem(TypedDict):
    id: str
    observedAtMs: NotRequired[int | None]
    realtimeSessionId: str
    input: str
    input_item_id: str
    source_event_ids: list[str]
    type: Literal["sessionEndInputSaved"]


ThreadRealtimeItem: TypeAlias = "RealtimeSessionStartedThreadRealtimeItem | FrameThreadRealtimeItem | TranscriptSegmentThreadRealtimeItem | BemItemPromotedThreadRealtimeItem | RealtimeSessionClosedThreadRealtimeItem | TurnInputAcceptedThreadRealtimeItem | SessionEndInputSavedThreadRealtimeItem"


class ThreadRealtimeItemAddedNotification(TypedDict):
    item: Any
    threadId: str


class ThreadRealtimeItemCompletedNotification(TypedDict):
    item: ThreadRealtimeItem
    threadId: str


class ThreadRealtimeItemStartedNotification(TypedDict):
    item: ThreadRealtimeItem
    threadId: str


class ThreadRealtimeItemTranscriptDeltaNotification(TypedDict):
    delta: str
    itemId: str
    threadId: str


class ThreadRealtimeListParams(TypedDict):
    afterPosition: NotRequired[int | None]
    cursor: NotRequired[str | None]
    eventId: NotRequired[str | None]
    fromObservedAtMs: NotRequired[int | None]
    limit: NotRequired[int | None]
    order: NotRequired[ThreadRealtimeOrder | None]
    requiredThroughPosition: NotRequired[int | None]
    sessionId: NotRequired[str | None]
    snapshotEnd: NotRequired[int | None]
    threadId: str
    toObservedAtMs: NotRequired[int | None]


class ThreadRealtimeListResponse(TypedDict):
    coverage: ThreadRealtimeCoverage
    data: list[ThreadRealtimeEntry]
    nextCursor: NotRequired[str | None]
    projectedThroughItemIndex: int
    snapshotEnd: int


class ThreadRealtimeListVoicesParams(TypedDict):
    pass


class ThreadRealtimeListVoicesResponse(TypedDict):
    voices: RealtimeVoicesList


ThreadRealtimeOrder: TypeAlias = "Literal['observedAt'] | Literal['position']"


class ThreadRealtimeOutputAudioDeltaNotification(TypedDict):
    audio: ThreadRealtimeAudioChunk
    threadId: str


class ThreadRealtimeSdpNotification(TypedDict):
    sdp: str
    threadId: str


ThreadRealtimeSessionOutcome: TypeAlias = "Literal['ended', 'failed']"


class ThreadRealtimeStartParams(TypedDict):
    backendReasoningStatus: NotRequired[bool]
    clientManagedHandoffs: NotRequired[bool | None]
    codexResponseHandoffChannelPrefixes: NotRequired[dict[str, list[str]] | None]
    codexResponseHandoffMode: NotRequired[CodexResponseHandoffMode | None]
    codexResponseItemPrefix: NotRequired[str | None]
    codexResponsesAsItems: NotRequired[bool | None]
    delegationAckFiller: NotRequired[bool | None]
    flushTranscriptTailOnSessionEnd: NotRequired[bool | None]
    includeStartupContext: NotRequired[bool | None]
    initialItems: NotRequired[list[ThreadRealtimeInitialItem] | None]
    model: NotRequired[str | None]
    outputModality: RealtimeOutputModality
    prompt: NotRequired[str | None]
    realtimeEndInstructions: NotRequired[str | None]
    realtimeSessionId: NotRequired[str | None]
    realtimeStartInstructions: NotRequired[str | None]
    threadId: str
    transport: NotRequired[ThreadRealtimeStartTransport | None]
    version: NotRequired[RealtimeConversationVersion | None]
    voice: NotRequired[RealtimeVoice | None]
    voiceSessionId: NotRequired[str | None]


class ThreadRealtimeStartResponse(TypedDict):
    pass


class WebsocketThreadRealtimeStartTransport(TypedDict):
    type: Literal["websocket"]


class WebrtcThreadRealtimeStartTransport(TypedDict):
    sdp: str
    type: Literal["webrtc"]


class ExistingCallThreadRealtimeStartTransport(TypedDict):
    callId: str
    type: Literal["existingCall"]


ThreadRealtimeStartTransport: TypeAlias = "WebsocketThreadRealtimeStartTransport | WebrtcThreadRealtimeStartTransport | ExistingCallThreadRealtimeStartTransport"


class ThreadRealtimeStartedNotification(TypedDict):
    realtimeSessionId: NotRequired[str | None]
    threadId: str
    version: RealtimeConversationVersion


class ThreadRealtimeStopParams(TypedDict):
    threadId: str


class ThreadRealtimeStopResponse(TypedDict):
    pass


class ThreadRealtimeTranscriptDeltaNotification(TypedDict):
    delta: str
    role: str
    threadId: str


class ThreadRealtimeTranscriptDoneNotification(TypedDict):
    role: str
    text: str
    threadId: str


ThreadRealtimeTranscriptRole: TypeAlias = "Literal['user', 'assistant']"


class ThreadRealtimeVoiceTranscript(TypedDict):
    role: ThreadRealtimeTranscriptRole
    text: str


class ThreadResumeInitialTurnsPageParams(TypedDict):
    itemsView: NotRequired[TurnItemsView | None]
    limit: NotRequired[int | None]
    sortDirection: NotRequired[SortDirection | None]


class ThreadResumeParams(TypedDict):
    approvalPolicy: NotRequired[AskForApproval | None]
    approvalsReviewer: NotRequired[ApprovalsReviewer | None]
    baseInstructions: NotRequired[str | None]
    config: NotRequired[dict[str, Any] | None]
    cwd: NotRequired[str | None]
    developerInstructions: NotRequired[str | None]
    excludeTurns: NotRequired[bool]
    history: NotRequired[list[ResponseItem] | None]
    initialTurnsPage: NotRequired[ThreadResumeInitialTurnsPageParams | None]
    model: NotRequired[str | None]
    modelProvider: NotRequired[str | None]
    path: NotRequired[str | None]
    permissions: NotRequired[str | None]
    personality: NotRequired[Personality | None]
    runtimeWorkspaceRoots: NotRequired[list[AbsolutePathBuf] | None]
    sandbox: NotRequired[SandboxMode | None]
    serviceTier: NotRequired[str | None]
    threadId: str


class ThreadResumeResponse(TypedDict):
    activePermissionProfile: NotRequired[ActivePermissionProfile | None]
    approvalPolicy: AskForApproval
    approvalsReviewer: ApprovalsReviewer
    collaborationMode: NotRequired[CollaborationMode | None]
    cwd: AbsolutePathBuf
    disabledPluginIds: NotRequired[list[str]]
    initialTurnsPage: NotRequired[TurnsPage | None]
    instructionSources: NotRequired[list[LegacyAppPathString]]
    itemsBackwardsCursor: NotRequired[str | None]
    model: str
    modelProvider: str
    multiAgentMode: NotRequired[MultiAgentMode]
    reasoningEffort: NotRequired[ReasoningEffort | None]
    runtimeWorkspaceRoots: NotRequired[list[AbsolutePathBuf]]
    sandbox: SandboxPolicy
    serviceTier: NotRequired[str | None]
    thread: Thread
    turnsBackwardsCursor: NotRequired[str | None]


class ThreadRevertParams(TypedDict):
    beforeTurnId: str
    threadId: str


class ThreadRevertResponse(TypedDict):
    itemsBackwardsCursor: NotRequired[str | None]
    thread: Thread
    turnsBackwardsCursor: NotRequired[str | None]


class ThreadRevertedNotification(TypedDict):
    threadId: str


class ThreadSampleCancelParams(TypedDict):
    requestId: RequestId


class ThreadSampleCancelResponse(TypedDict):
    pass


class ThreadSampleParams(TypedDict):
    allowInProgressTurn: NotRequired[bool]
    disableMcp: NotRequired[bool]
    effort: NotRequired[ReasoningEffort | None]
    expectedTurnId: str
    interruptOnCancel: NotRequired[bool | None]
    prompt: str
    responsesapiClientMetadata: NotRequired[dict[str, str] | None]
    threadId: str
    threadSource: NotRequired[ThreadSource | None]
    turnTrigger: NotRequired[str | None]


class ThreadSampleResponse(TypedDict):
    cachedInputTokens: NotRequired[int | None]
    inputTokens: NotRequired[int | None]
    outputTokens: NotRequired[int | None]
    responseId: str
    sourceTurnId: str
    text: NotRequired[str | None]


class ThreadSearchCancelParams(TypedDict):
    requestId: RequestId


class ThreadSearchCancelResponse(TypedDict):
    pass


class ThreadSearchOccurrence(TypedDict):
    itemId: str
    snippet: str
    snippetMatchRange: ThreadSearchTextRange
    turnCursor: str
    turnId: str


class ThreadSearchOccurrencesParams(TypedDict):
    cursor: NotRequired[str | None]
    limit: NotRequired[int | None]
    searchTerm: str
    threadId: str


class ThreadSearchOccurrencesResponse(TypedDict):
    data: list[ThreadSearchOccurrence]
    nextCursor: NotRequired[str | None]


class ThreadSearchParams(TypedDict):
    archived: NotRequired[bool | None]
    currentAccountOnly: NotRequired[bool]
    cursor: NotRequired[str | None]
    includeAttachedThreads: NotRequired[bool]
    limit: NotRequired[int | None]
    searchTerm: str
    sortDirection: NotRequired[SortDirection | None]
    sortKey: NotRequired[ThreadSearchSortKey | None]
    sourceKinds: NotRequired[list[ThreadSourceKind] | None]


class ThreadSearchPartialNotification(TypedDict):
    data: list[ThreadSearchResult]
    requestId: RequestId


class ThreadSearchResponse(TypedDict):
    backwardsCursor: NotRequired[str | None]
    data: list[ThreadSearchResult]
    nextCursor: NotRequired[str | None]


class ThreadSearchResult(TypedDict):
    snippet: str
    thread: Thread


ThreadSearchSortKey: TypeAlias = "Literal['created_at', 'updated_at', 'recency_at']"


class ThreadSearchTextRange(TypedDict):
    end: int
    start: int


class ThreadSection(TypedDict):
    appearance: NotRequired[ThreadSectionAppearance | None]
    id: str
    name: str


class ThreadSectionAppearance(TypedDict):
    color: NotRequired[str | None]
    icon: NotRequired[str | None]


class ThreadSectionChangedNotification(TypedDict):
    sectionId: str | None
    threadId: str


class ThreadSectionCreateParams(TypedDict):
    appearance: NotRequired[ThreadSectionAppearance | None]
    name: str


class ThreadSectionCreateResponse(TypedDict):
    section: ThreadSection


class ThreadSectionDeleteParams(TypedDict):
    sectionId: str


class ThreadSectionDeleteResponse(TypedDict):
    pass


class ThreadSectionListParams(TypedDict):
    cursor: NotRequired[str | None]
    limit: NotRequired[int | None]


class ThreadSectionListResponse(TypedDict):
    data: list[ThreadSection]
    nextCursor: NotRequired[str | None]


class ThreadSectionMoveParams(TypedDict):
    beforeThreadId: NotRequired[str | None]
    sectionId: str | None
    threadId: str


class ThreadSectionMoveResponse(TypedDict):
    pass


class ThreadSectionUpdateParams(TypedDict):
    appearance: NotRequired[ThreadSectionAppearance | None]
    name: str
    sectionId: str


class ThreadSectionUpdateResponse(TypedDict):
    section: ThreadSection


class ThreadSetNameParams(TypedDict):
    name: str
    threadId: str


class ThreadSetNameResponse(TypedDict):
    pass


class ThreadSettings(TypedDict):
    activePermissionProfile: NotRequired[ActivePermissionProfile | None]
    approvalPolicy: AskForApproval
    approvalsReviewer: ApprovalsReviewer
    collaborationMode: CollaborationMode
    cwd: AbsolutePathBuf
    disabledPluginIds: NotRequired[list[str]]
    effort: NotRequired[ReasoningEffort | None]
    environments: NotRequired[list[ThreadEnvironment] | None]
    model: str
    modelProvider: str
    multiAgentMode: NotRequired[MultiAgentMode]
    personality: NotRequired[Personality | None]
    sandboxPolicy: SandboxPolicy
    serviceTier: NotRequired[str | None]
    summary: NotRequired[ReasoningSummary | None]


class ThreadSettingsUpdateParams(TypedDict):
    approvalPolicy: NotRequired[AskForApproval | None]
    approvalsReviewer: NotRequired[ApprovalsReviewer | None]
    collaborationMode: NotRequired[CollaborationMode | None]
    cwd: NotRequired[str | None]
    disabledPluginIds: NotRequired[list[str] | None]
    effort: NotRequired[ReasoningEffort | None]
    environments: NotRequired[list[TurnEnvironmentParams] | None]
    model: NotRequired[str | None]
    multiAgentMode: NotRequired[MultiAgentMode | None]
    permissions: NotRequired[str | None]
    personality: NotRequired[Personality | None]
    sandboxPolicy: NotRequired[SandboxPolicy | None]
    serviceTier: NotRequired[str | None]
    summary: NotRequired[ReasoningSummary | None]
    threadId: str


class ThreadSettingsUpdateResponse(TypedDict):
    pass


class ThreadSettingsUpdatedNotification(TypedDict):
    threadId: str
    threadSettings: ThreadSettings


class ThreadShellCommandParams(TypedDict):
    command: str
    threadId: str
    timeoutMs: NotRequired[int | None]


class ThreadShellCommandResponse(TypedDict):
    pass


ThreadSortKey: TypeAlias = "Literal['created_at', 'updated_at', 'recency_at', 'section_position']"

ThreadSource: TypeAlias = "str"

ThreadSourceKind: TypeAlias = "Literal['cli', 'vscode', 'exec', 'appServer', 'subAgent', 'subAgentReview', 'subAgentCompact', 'subAgentThreadSpawn', 'subAgentOther', 'unknown']"


class ThreadStartParams(TypedDict):
    allowProviderModelFallback: NotRequired[bool]
    approvalPolicy: NotRequired[AskForApproval | None]
    approvalsReviewer: NotRequired[ApprovalsReviewer | None]
    baseInstructions: NotRequired[str | None]
    config: NotRequired[dict[str, Any] | None]
    cwd: NotRequired[str | None]
    daybreakEnabled: NotRequired[bool | None]
    developerInstructions: NotRequired[str | None]
    dynamicTools: NotRequired[list[DynamicToolSpec] | None]
    environments: NotRequired[list[TurnEnvironmentParams] | None]
    ephemeral: NotRequired[bool | None]
    experimentalRawEvents: NotRequired[bool]
    historyMode: NotRequired[ThreadHistoryMode | None]
    mockExperimentalField: NotRequired[str | None]
    model: NotRequired[str | None]
    modelProvider: NotRequired[str | None]
    multiAgentMode: NotRequired[MultiAgentMode | None]
    permissions: NotRequired[str | None]
    personality: NotRequired[Personality | None]
    projectId: NotRequired[str | None]
    runtimeWorkspaceRoots: NotRequired[list[AbsolutePathBuf] | None]
    sandbox: NotRequired[SandboxMode | None]
    selectedCapabilityRoots: NotRequired[list[SelectedCapabilityRoot] | None]
    serviceName: NotRequired[str | None]
    serviceTier: NotRequired[str | None]
    sessionStartSource: NotRequired[ThreadStartSource | None]
    threadSource: NotRequired[ThreadSource | None]


class ThreadStartResponse(TypedDict):
    activePermissionProfile: NotRequired[ActivePermissionProfile | None]
    approvalPolicy: AskForApproval
    approvalsReviewer: ApprovalsReviewer
    cwd: AbsolutePathBuf
    disabledPluginIds: NotRequired[list[str]]
    instructionSources: NotRequired[list[LegacyAppPathString]]
    model: str
    modelProvider: str
    multiAgentMode: NotRequired[MultiAgentMode]
    reasoningEffort: NotRequired[ReasoningEffort | None]
    runtimeWorkspaceRoots: NotRequired[list[AbsolutePathBuf]]
    sandbox: SandboxPolicy
    serviceTier: NotRequired[str | None]
    thread: Thread


ThreadStartSource: TypeAlias = "Literal['startup', 'clear']"


class ThreadStartedNotification(TypedDict):
    thread: Thread


class NotLoadedThreadStatus(TypedDict):
    type: Literal["notLoaded"]


class IdleThreadStatus(TypedDict):
    type: Literal["idle"]


class SystemErrorThreadStatus(TypedDict):
    type: Literal["systemError"]


class ActiveThreadStatus(TypedDict):
    activeFlags: list[ThreadActiveFlag]
    type: Literal["active"]


ThreadStatus: TypeAlias = "NotLoadedThreadStatus | IdleThreadStatus | SystemErrorThreadStatus | ActiveThreadStatus"


class ThreadStatusChangedNotification(TypedDict):
    status: ThreadStatus
    threadId: str


class ItemThreadTimelineEntry(TypedDict):
    item: ThreadItem
    position: int
    turnId: str
    type: Literal["item"]


class RealtimeThreadTimelineEntry(TypedDict):
    item: ThreadRealtimeItem
    position: int
    type: Literal["realtime"]


class TurnStartedThreadTimelineEntry(TypedDict):
    position: int
    started_at: NotRequired[int | None]
    turn_id: str
    type: Literal["turnStarted"]


class TurnCompletedThreadTimelineEntry(TypedDict):
    completed_at: NotRequired[int | None]
    duration_ms: NotRequired[int | None]
    error: NotRequired[TurnError | None]
    position: int
    started_at: NotRequired[int | None]
    status: TurnStatus
    turn_id: str
    type: Literal["turnCompleted"]


ThreadTimelineEntry: TypeAlias = "ItemThreadTimelineEntry | RealtimeThreadTimelineEntry | TurnStartedThreadTimelineEntry | TurnCompletedThreadTimelineEntry"


class ThreadTimelineListParams(TypedDict):
    cursor: NotRequired[str | None]
    limit: NotRequired[int | None]
    threadId: str


class ThreadTimelineListResponse(TypedDict):
    activeRealtimeSessionAtPageStart: NotRequired[str | None]
    data: list[ThreadTimelineEntry]
    nextCursor: NotRequired[str | None]


class ThreadTokenUsage(TypedDict):
    last: TokenUsageBreakdown
    modelContextWindow: NotRequired[int | None]
    total: TokenUsageBreakdown


class ThreadTokenUsageUpdatedNotification(TypedDict):
    threadId: str
    tokenUsage: ThreadTokenUsage
    turnId: str


class ThreadTurnsListParams(TypedDict):
    cursor: NotRequired[str | None]
    itemsView: NotRequired[TurnItemsView | None]
    limit: NotRequired[int | None]
    sortDirection: NotRequired[SortDirection | None]
    threadId: str


class ThreadTurnsListResponse(TypedDict):
    backwardsCursor: NotRequired[str | None]
    data: list[Turn]
    nextCursor: NotRequired[str | None]


class ThreadUnarchiveParams(TypedDict):
    threadId: str


class ThreadUnarchiveResponse(TypedDict):
    thread: Thread


class ThreadUnarchivedNotification(TypedDict):
    threadId: str


class ThreadStartThreadUnreadPosition(TypedDict):
    type: Literal["threadStart"]


class TurnThreadUnreadPosition(TypedDict):
    turnId: str
    type: Literal["turn"]


ThreadUnreadPosition: TypeAlias = "ThreadStartThreadUnreadPosition | TurnThreadUnreadPosition"


class ThreadUnsubscribeParams(TypedDict):
    threadId: str


class ThreadUnsubscribeResponse(TypedDict):
    status: ThreadUnsubscribeStatus


ThreadUnsubscribeStatus: TypeAlias = "Literal['notLoaded', 'notSubscribed', 'unsubscribed']"


class ThreadUsage(TypedDict):
    estimatedUsageCreditsMicros: int
    estimatedUsageUsdMicros: NotRequired[int | None]
    groups: list[ThreadUsageBreakdownGroup]
    nativeUsageUsdMicros: NotRequired[int | None]
    threadId: str


class ThreadUsageBreakdownGroup(TypedDict):
    cachedInputTokens: NotRequired[int | None]
    estimatedUsageCreditsMicros: int
    inputTokens: NotRequired[int | None]
    model: NotRequired[str | None]
    netNewInputTokens: NotRequired[int | None]
    outputTokens: NotRequired[int | None]
    reasoningEffort: NotRequired[str | None]
    speed: NotRequired[str | None]
    totalTokens: NotRequired[int | None]


class TokenUsageBreakdown(TypedDict):
    cacheWriteInputTokens: NotRequired[int]
    cachedInputTokens: int
    inputTokens: int
    outputTokens: int
    reasoningOutputTokens: int
    totalTokens: int


class Tool(TypedDict):
    _meta: NotRequired[Any]
    annotations: NotRequired[Any]
    description: NotRequired[str | None]
    icons: NotRequired[list[Any] | None]
    inputSchema: Any
    name: str
    outputSchema: NotRequired[Any]
    title: NotRequired[str | None]


ToolExposureSurface: TypeAlias = "Literal['code_mode'] | Literal['deferred'] | Literal['direct']"


class ToolRequestUserInputAnswer(TypedDict):
    answers: list[str]


class ToolRequestUserInputOption(TypedDict):
    description: str
    label: str


class ToolRequestUserInputParams(TypedDict):
    autoResolutionMs: NotRequired[int | None]
    isBlocking: bool
    itemId: str
    questions: list[ToolRequestUserInputQuestion]
    threadId: str
    turnId: str


class ToolRequestUserInputQuestion(TypedDict):
    header: str
    id: str
    isOther: NotRequired[bool]
    isSecret: NotRequired[bool]
    options: NotRequired[list[ToolRequestUserInputOption] | None]
    question: str


class ToolRequestUserInputResponse(TypedDict):
    answers: dict[str, ToolRequestUserInputAnswer]


class ToolsV2(TypedDict):
    web_search: NotRequired[WebSearchToolConfig | None]


TrustedContacts: TypeAlias = "Literal['check', 'skip']"


class Turn(TypedDict):
    completedAt: NotRequired[int | None]
    durationMs: NotRequired[int | None]
    error: NotRequired[TurnError | None]
    id: str
    items: list[ThreadItem]
    itemsView: NotRequired[TurnItemsView]
    rootTurnId: NotRequired[str | None]
    startedAt: NotRequired[int | None]
    status: TurnStatus


class TurnCompletedNotification(TypedDict):
    threadId: str
    turn: Turn


class TurnDiffUpdatedNotification(TypedDict):
    diff: str
    threadId: str
    turnId: str


class TurnEnvironmentParams(TypedDict):
    cwd: LegacyAppPathString
    environmentId: str
    runtimeWorkspaceRoots: NotRequired[list[LegacyAppPathString] | None]


class TurnError(TypedDict):
    additionalDetails: NotRequired[str | None]
    codexErrorInfo: NotRequired[CodexErrorInfo | None]
    message: str
    misalignment: NotRequired[MisalignmentErrorDetails | None]


class TurnInterruptParams(TypedDict):
    threadId: str
    turnId: str


class TurnInterruptResponse(TypedDict):
    pass


TurnItemsView: TypeAlias = "Literal['notLoaded'] | Literal['summary'] | Literal['full']"


class TurnModerationMetadataNotification(TypedDict):
    metadata: Any
    threadId: str
    turnId: str


class TurnPlanStep(TypedDict):
    status: TurnPlanStepStatus
    step: str


TurnPlanStepStatus: TypeAlias = "Literal['pending', 'inProgress', 'completed']"


class TurnPlanUpdatedNotification(TypedDict):
    explanation: NotRequired[str | None]
    plan: list[TurnPlanStep]
    threadId: str
    turnId: str


class TurnSettingsUpdateParams(TypedDict):
    approvalsReviewer: NotRequired[ApprovalsReviewer | None]
    effort: NotRequired[ReasoningEffort | None]
    environments: NotRequired[list[TurnEnvironmentParams] | None]
    model: NotRequired[str | None]
    serviceTier: NotRequired[str | None]
    summary: NotRequired[ReasoningSummary | None]
    threadId: str
    turnId: str


class TurnSettingsUpdateResponse(TypedDict):
    status: TurnSettingsUpdateStatus


TurnSettingsUpdateStatus: TypeAlias = "Literal['applied'] | Literal['targetUnavailable']"


class TurnStartParams(TypedDict):
    additionalContext: NotRequired[dict[str, AdditionalContextEntry] | None]
    approvalPolicy: NotRequired[AskForApproval | None]
    approvalsReviewer: NotRequired[ApprovalsReviewer | None]
    clientUserMessageId: NotRequired[str | None]
    collaborationMode: NotRequired[CollaborationMode | None]
    cwd: NotRequired[str | None]
    cyberAccessProgram: NotRequired[CyberAccessProgram | None]
    disabledPluginIds: NotRequired[list[str] | None]
    effort: NotRequired[ReasoningEffort | None]
    environments: NotRequired[list[TurnEnvironmentParams] | None]
    input: list[UserInput]
    model: NotRequired[str | None]
    multiAgentMode: NotRequired[MultiAgentMode | None]
    outputSchema: NotRequired[Any]
    parentTurnId: NotRequired[str | None]
    permissions: NotRequired[str | None]
    personality: NotRequired[Personality | None]
    responsesapiClientMetadata: NotRequired[dict[str, str] | None]
    responsesapiClientMetadataPatch: NotRequired[dict[str, str] | None]
    rootTurnId: NotRequired[str | None]
    runtimeWorkspaceRoots: NotRequired[list[AbsolutePathBuf] | None]
    sandboxPolicy: NotRequired[SandboxPolicy | None]
    serviceTier: NotRequired[str | None]
    serviceTierForTurn: NotRequired[str | None]
    summary: NotRequired[ReasoningSummary | None]
    threadId: str
    toolOutput: NotRequired[TurnToolOutput | None]
    turnTrigger: NotRequired[str | None]


class TurnStartResponse(TypedDict):
    turn: Turn


class TurnStartedNotification(TypedDict):
    threadId: str
    turn: Turn


TurnStatus: TypeAlias = "Literal['completed', 'interrupted', 'failed', 'inProgress']"


class TurnSteerParams(TypedDict):
    additionalContext: NotRequired[dict[str, AdditionalContextEntry] | None]
    clientUserMessageId: NotRequired[str | None]
    expectedTurnId: str
    input: list[UserInput]
    responsesapiClientMetadata: NotRequired[dict[str, str] | None]
    responsesapiClientMetadataPatch: NotRequired[dict[str, str] | None]
    threadId: str


class TurnSteerResponse(TypedDict):
    turnId: str


class TurnToolOutput(TypedDict):
    name: str
    namespace: NotRequired[str | None]
    output: FunctionCallOutputBody
    retain: NotRequired[bool]


class TurnsPage(TypedDict):
    backwardsCursor: NotRequired[str | None]
    data: list[Turn]
    nextCursor: NotRequired[str | None]


class TextUserInput(TypedDict):
    text: str
    text_elements: NotRequired[list[TextElement]]
    type: Literal["text"]


class UrlUserInput(TypedDict):
    detail: NotRequired[ImageDetail | None]
    type: Literal["image"]
    url: str


class FileIdUserInput(TypedDict):
    detail: NotRequired[ImageDetail | None]
    type: Literal["image"]
    fileId: str


class LocalImageUserInput(TypedDict):
    detail: NotRequired[ImageDetail | None]
    path: str
    type: Literal["localImage"]


class UrlUserInput_(TypedDict):
    type: Literal["audio"]
    url: str


class FileIdUserInput_(TypedDict):
    type: Literal["audio"]
    fileId: str


class LocalAudioUserInput(TypedDict):
    path: str
    type: Literal["localAudio"]


class SkillUserInput(TypedDict):
    name: str
    path: str
    type: Literal["skill"]


class MentionUserInput(TypedDict):
    name: str
    path: str
    type: Literal["mention"]


UserInput: TypeAlias = "TextUserInput | UrlUserInput | FileIdUserInput | LocalImageUserInput | UrlUserInput_ | FileIdUserInput_ | LocalAudioUserInput | SkillUserInput | MentionUserInput"

UserVerificationBiometricType: TypeAlias = "Literal['fingerprint']"


class UserVerificationCancelParams(TypedDict):
    requestId: RequestId


class UserVerificationCancelResponse(TypedDict):
    pass


UserVerificationCancellationReason: TypeAlias = "Literal['userCancelled', 'interrupted']"


class UserVerificationDeleteParams(TypedDict):
    pass


class UserVerificationDeleteResponse(TypedDict):
    pass


class UserVerificationEnrollParams(TypedDict):
    pass


class UserVerificationEnrollResponse(TypedDict):
    algorithm: NotRequired[str | None]
    credentialId: str
    publicKey: NotRequired[str | None]


class InvalidRequestUserVerificationErrorDetails(TypedDict):
    reason: UserVerificationInvalidRequestReason
    type: Literal["invalidRequest"]


class UnavailableUserVerificationErrorDetails(TypedDict):
    reason: UserVerificationUnavailableReason
    type: Literal["unavailable"]


class CancelledUserVerificationErrorDetails(TypedDict):
    reason: UserVerificationCancellationReason
    type: Literal["cancelled"]


class FailedUserVerificationErrorDetails(TypedDict):
    reason: UserVerificationFailureReason
    type: Literal["failed"]


UserVerificationErrorDetails: TypeAlias = "InvalidRequestUserVerificationErrorDetails | UnavailableUserVerificationErrorDetails | CancelledUserVerificationErrorDetails | FailedUserVerificationErrorDetails"

UserVerificationFailureReason: TypeAlias = "Literal['authenticationFailed', 'timeout', 'providerError', 'serviceError']"

UserVerificationInvalidRequestReason: TypeAlias = "Literal['invalidParams']"


class UserVerificationProof(TypedDict):
    credentialId: str
    signature: str


class UserVerificationRpcError(TypedDict):
    code: int
    data: UserVerificationErrorDetails
    message: str


class UserVerificationStatusParams(TypedDict):
    pass


class UserVerificationStatusResponse(TypedDict):
    credentialId: NotRequired[str | None]
    unavailableMessage: NotRequired[str | None]
    unavailableReason: NotRequired[UserVerificationUnavailableReason | None]


UserVerificationUnavailableReason: TypeAlias = (
    "Literal['credentialMissing', 'biometricsUnavailable', 'providerUnavailable']"
)


class UserVerificationVerifyParams(TypedDict):
    challenge: str
    description: str
    title: str


class UserVerificationVerifyResponse(TypedDict):
    biometricType: NotRequired[UserVerificationBiometricType | None]
    proof: UserVerificationProof


Verbosity: TypeAlias = "Literal['low', 'medium', 'high']"


class W3cTraceContext(TypedDict):
    traceparent: NotRequired[str | None]
    tracestate: NotRequired[str | None]


class WarningNotification(TypedDict):
    message: str
    threadId: NotRequired[str | None]


class SearchWebSearchAction(TypedDict):
    queries: NotRequired[list[str] | None]
    query: NotRequired[str | None]
    type: Literal["search"]


class OpenPageWebSearchAction(TypedDict):
    type: Literal["openPage"]
    url: NotRequired[str | None]


class FindInPageWebSearchAction(TypedDict):
    pattern: NotRequired[str | None]
    type: Literal["findInPage"]
    url: NotRequired[str | None]


class OtherWebSearchAction(TypedDict):
    type: Literal["other"]


WebSearchAction: TypeAlias = (
    "SearchWebSearchAction | OpenPageWebSearchAction | FindInPageWebSearchAction | OtherWebSearchAction"
)

WebSearchContextSize: TypeAlias = "Literal['low', 'medium', 'high']"


class WebSearchLocation(TypedDict):
    city: NotRequired[str | None]
    country: NotRequired[str | None]
    region: NotRequired[str | None]
    timezone: NotRequired[str | None]


WebSearchMode: TypeAlias = "Literal['disabled', 'cached', 'indexed', 'live']"

WebSearchProvider: TypeAlias = "Literal['standalone', 'search_mcp']"


class WebSearchToolConfig(TypedDict):
    allowed_domains: NotRequired[list[str] | None]
    context_size: NotRequired[WebSearchContextSize | None]
    location: NotRequired[WebSearchLocation | None]


WindowsSandboxImplementation: TypeAlias = "Literal['elevated', 'unelevated', 'mxc']"

WindowsSandboxReadiness: TypeAlias = "Literal['ready', 'notConfigured', 'updateRequired']"


class WindowsSandboxReadinessResponse(TypedDict):
    status: WindowsSandboxReadiness


class WindowsSandboxSetupCompletedNotification(TypedDict):
    error: NotRequired[str | None]
    mode: WindowsSandboxSetupMode
    success: bool


WindowsSandboxSetupMode: TypeAlias = "Literal['elevated', 'unelevated']"


class WindowsSandboxSetupStartParams(TypedDict):
    cwd: NotRequired[AbsolutePathBuf | None]
    mode: WindowsSandboxSetupMode


class WindowsSandboxSetupStartResponse(TypedDict):
    started: bool


class WindowsWorldWritableWarningNotification(TypedDict):
    extraCount: int
    failedScan: bool
    samplePaths: list[str]


class WorkspaceMessage(TypedDict):
    archivedAt: NotRequired[int | None]
    createdAt: NotRequired[int | None]
    messageBody: str
    messageId: str
    messageType: WorkspaceMessageType


WorkspaceMessageType: TypeAlias = "Literal['headline', 'announcement', 'unknown']"


class WorkspaceRouting(TypedDict):
    accountRoutingOverride: AccountRoutingOverride
    backendOrigin: str
    chatgptAccountId: str


WriteStatus: TypeAlias = "Literal['ok', 'okOverridden']"
