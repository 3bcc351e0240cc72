"""`Request`: the type of `client.request`. Made by `_generate.py` from codex 0.171.0; do not edit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol, overload

from . import (
    AccountSessionsListParams,
    AccountSessionsResponse,
    AccountSessionsSwitchParams,
    AccountSessionsSwitchResponse,
    AppsInstalledParams,
    AppsInstalledResponse,
    AppsListParams,
    AppsListResponse,
    AppsReadParams,
    AppsReadResponse,
    BedrockCheckGovCloudRequirementsParams,
    BedrockCheckGovCloudRequirementsResponse,
    BedrockDiscoverParams,
    BedrockDiscoverResponse,
    BedrockSetupParams,
    BedrockSetupResponse,
    CancelLoginAccountParams,
    CancelLoginAccountResponse,
    CollaborationModeListParams,
    CollaborationModeListResponse,
    CommandExecParams,
    CommandExecResizeParams,
    CommandExecResizeResponse,
    CommandExecResponse,
    CommandExecTerminateParams,
    CommandExecTerminateResponse,
    CommandExecWriteParams,
    CommandExecWriteResponse,
    ConfigBatchWriteParams,
    ConfigReadParams,
    ConfigReadResponse,
    ConfigRequirementsReadResponse,
    ConfigValueWriteParams,
    ConfigWriteResponse,
    ConsumeAccountRateLimitResetCreditParams,
    ConsumeAccountRateLimitResetCreditResponse,
    EnvironmentAddParams,
    EnvironmentAddResponse,
    EnvironmentInfoParams,
    EnvironmentInfoResponse,
    EnvironmentStatusParams,
    EnvironmentStatusResponse,
    ExperimentalFeatureEnablementSetParams,
    ExperimentalFeatureEnablementSetResponse,
    ExperimentalFeatureListParams,
    ExperimentalFeatureListResponse,
    ExternalAgentConfigDetectParams,
    ExternalAgentConfigDetectResponse,
    ExternalAgentConfigImportHistoriesReadResponse,
    ExternalAgentConfigImportHistoryRecordParams,
    ExternalAgentConfigImportHistoryRecordResponse,
    ExternalAgentConfigImportParams,
    ExternalAgentConfigImportResponse,
    FeedbackSaveParams,
    FeedbackSaveResponse,
    FeedbackUploadParams,
    FeedbackUploadResponse,
    FsCopyParams,
    FsCopyResponse,
    FsCreateDirectoryParams,
    FsCreateDirectoryResponse,
    FsGetMetadataParams,
    FsGetMetadataResponse,
    FsReadDirectoryParams,
    FsReadDirectoryResponse,
    FsReadFileParams,
    FsReadFileResponse,
    FsRemoveParams,
    FsRemoveResponse,
    FsUnwatchParams,
    FsUnwatchResponse,
    FsWatchParams,
    FsWatchResponse,
    FsWriteFileParams,
    FsWriteFileResponse,
    FuzzyFileSearchParams,
    FuzzyFileSearchResponse,
    FuzzyFileSearchSessionStartParams,
    FuzzyFileSearchSessionStartResponse,
    FuzzyFileSearchSessionStopParams,
    FuzzyFileSearchSessionStopResponse,
    FuzzyFileSearchSessionUpdateParams,
    FuzzyFileSearchSessionUpdateResponse,
    GatewayOAuthLoginParams,
    GatewayOAuthLoginResponse,
    GatewayOAuthReadParams,
    GatewayOAuthReadResponse,
    GcpSetupParams,
    GcpSetupResponse,
    GetAccountParams,
    GetAccountRateLimitsParams,
    GetAccountRateLimitsResponse,
    GetAccountResponse,
    GetAccountSecuritySetupResponse,
    GetAccountTokenUsageParams,
    GetAccountTokenUsageResponse,
    GetWorkspaceMessagesResponse,
    HooksListParams,
    HooksListResponse,
    InitializeParams,
    InitializeResponse,
    ListMcpServerStatusParams,
    ListMcpServerStatusResponse,
    LoginAccountParams,
    LoginAccountResponse,
    LogoutAccountResponse,
    MarketplaceAddParams,
    MarketplaceAddResponse,
    MarketplaceRemoveParams,
    MarketplaceRemoveResponse,
    MarketplaceUpgradeParams,
    MarketplaceUpgradeResponse,
    McpResourceReadParams,
    McpResourceReadResponse,
    McpServerEventStreamStartParams,
    McpServerEventStreamStartResponse,
    McpServerEventStreamStopParams,
    McpServerEventStreamStopResponse,
    McpServerOauthLoginParams,
    McpServerOauthLoginResponse,
    McpServerRefreshResponse,
    McpServerToolCallParams,
    McpServerToolCallResponse,
    MemoryResetResponse,
    MemoryStatusParams,
    MemoryStatusResponse,
    MockExperimentalMethodParams,
    MockExperimentalMethodResponse,
    ModelListParams,
    ModelListResponse,
    ModelProviderCapabilitiesReadParams,
    ModelProviderCapabilitiesReadResponse,
    ModelProviderConfigWriteParams,
    ModelProviderConfigWriteResponse,
    ModelProviderDefaultSetParams,
    ModelProviderListParams,
    ModelProviderListResponse,
    PermissionProfileListParams,
    PermissionProfileListResponse,
    PluginInstalledParams,
    PluginInstalledResponse,
    PluginInstallParams,
    PluginInstallResponse,
    PluginListParams,
    PluginListResponse,
    PluginReadParams,
    PluginReadResponse,
    PluginReconcileParams,
    PluginReconcileResponse,
    PluginSearchParams,
    PluginSearchResponse,
    PluginShareCheckoutParams,
    PluginShareCheckoutResponse,
    PluginShareDeleteParams,
    PluginShareDeleteResponse,
    PluginShareListParams,
    PluginShareListResponse,
    PluginShareSaveParams,
    PluginShareSaveResponse,
    PluginShareUpdateTargetsParams,
    PluginShareUpdateTargetsResponse,
    PluginSkillReadParams,
    PluginSkillReadResponse,
    PluginUninstallParams,
    PluginUninstallResponse,
    ProcessKillParams,
    ProcessKillResponse,
    ProcessResizePtyParams,
    ProcessResizePtyResponse,
    ProcessSpawnParams,
    ProcessSpawnResponse,
    ProcessWriteStdinParams,
    ProcessWriteStdinResponse,
    ProjectCreateParams,
    ProjectCreateResponse,
    ProjectDeleteParams,
    ProjectDeleteResponse,
    ProjectImportParams,
    ProjectImportResponse,
    ProjectListParams,
    ProjectListResponse,
    ProjectMoveParams,
    ProjectMoveResponse,
    ProjectReadParams,
    ProjectReadResponse,
    ProjectUpdateParams,
    ProjectUpdateResponse,
    RemoteControlClientsListParams,
    RemoteControlClientsListResponse,
    RemoteControlClientsRevokeParams,
    RemoteControlClientsRevokeResponse,
    RemoteControlDisableParams,
    RemoteControlDisableResponse,
    RemoteControlEnableParams,
    RemoteControlEnableResponse,
    RemoteControlPairingStartParams,
    RemoteControlPairingStartResponse,
    RemoteControlPairingStatusParams,
    RemoteControlPairingStatusResponse,
    RemoteControlStatusReadResponse,
    ReviewStartParams,
    ReviewStartResponse,
    RolloutCompressResponse,
    SendAddCreditsNudgeEmailParams,
    SendAddCreditsNudgeEmailResponse,
    ServerDiagnosticsParams,
    ServerDiagnosticsResponse,
    SkillsConfigWriteParams,
    SkillsConfigWriteResponse,
    SkillsExtraRootsSetParams,
    SkillsExtraRootsSetResponse,
    SkillsListParams,
    SkillsListResponse,
    ThreadApproveGuardianDeniedActionParams,
    ThreadApproveGuardianDeniedActionResponse,
    ThreadArchiveParams,
    ThreadArchiveResponse,
    ThreadAttachmentAddParams,
    ThreadAttachmentAddResponse,
    ThreadAttachmentListParams,
    ThreadAttachmentListResponse,
    ThreadAttachmentOwnerListParams,
    ThreadAttachmentOwnerListResponse,
    ThreadAttachmentRemoveParams,
    ThreadAttachmentRemoveResponse,
    ThreadBackgroundTerminalsCleanParams,
    ThreadBackgroundTerminalsCleanResponse,
    ThreadBackgroundTerminalsListParams,
    ThreadBackgroundTerminalsListResponse,
    ThreadBackgroundTerminalsTerminateParams,
    ThreadBackgroundTerminalsTerminateResponse,
    ThreadCompactStartParams,
    ThreadCompactStartResponse,
    ThreadDecrementElicitationParams,
    ThreadDecrementElicitationResponse,
    ThreadDeleteParams,
    ThreadDeleteResponse,
    ThreadForkParams,
    ThreadForkResponse,
    ThreadGoalClearParams,
    ThreadGoalClearResponse,
    ThreadGoalGetParams,
    ThreadGoalGetResponse,
    ThreadGoalSetParams,
    ThreadGoalSetResponse,
    ThreadGuardianReviewParams,
    ThreadGuardianReviewResponse,
    ThreadIncrementElicitationParams,
    ThreadIncrementElicitationResponse,
    ThreadInjectItemsParams,
    ThreadInjectItemsResponse,
    ThreadItemsListParams,
    ThreadItemsListResponse,
    ThreadItemsReadParams,
    ThreadItemsReadResponse,
    ThreadListParams,
    ThreadListResponse,
    ThreadLoadedListParams,
    ThreadLoadedListResponse,
    ThreadMemoryModeSetParams,
    ThreadMemoryModeSetResponse,
    ThreadMemoryReadParams,
    ThreadMemoryReadResponse,
    ThreadMetadataUpdateParams,
    ThreadMetadataUpdateResponse,
    ThreadPredictionRequestParams,
    ThreadPredictionRequestResponse,
    ThreadPrepareApprovedPlanParams,
    ThreadPrepareApprovedPlanResponse,
    ThreadQueueAddParams,
    ThreadQueueAddResponse,
    ThreadQueueDeleteParams,
    ThreadQueueDeleteResponse,
    ThreadQueueListParams,
    ThreadQueueListResponse,
    ThreadQueueReorderParams,
    ThreadQueueReorderResponse,
    ThreadQueueStartParams,
    ThreadQueueStartResponse,
    ThreadQueueUpdateParams,
    ThreadQueueUpdateResponse,
    ThreadReadParams,
    ThreadReadResponse,
    ThreadReadStateUpdateParams,
    ThreadReadStateUpdateResponse,
    ThreadRealtimeAppendAudioParams,
    ThreadRealtimeAppendAudioResponse,
    ThreadRealtimeAppendSpeechParams,
    ThreadRealtimeAppendSpeechResponse,
    ThreadRealtimeAppendTextParams,
    ThreadRealtimeAppendTextResponse,
    ThreadRealtimeListParams,
    ThreadRealtimeListResponse,
    ThreadRealtimeListVoicesParams,
    ThreadRealtimeListVoicesResponse,
    ThreadRealtimeStartParams,
    ThreadRealtimeStartResponse,
    ThreadRealtimeStopParams,
    ThreadRealtimeStopResponse,
    ThreadResumeParams,
    ThreadResumeResponse,
    ThreadRevertParams,
    ThreadRevertResponse,
    ThreadSampleCancelParams,
    ThreadSampleCancelResponse,
    ThreadSampleParams,
    ThreadSampleResponse,
    ThreadSearchCancelParams,
    ThreadSearchCancelResponse,
    ThreadSearchOccurrencesParams,
    ThreadSearchOccurrencesResponse,
    ThreadSearchParams,
    ThreadSearchResponse,
    ThreadSectionCreateParams,
    ThreadSectionCreateResponse,
    ThreadSectionDeleteParams,
    ThreadSectionDeleteResponse,
    ThreadSectionListParams,
    ThreadSectionListResponse,
    ThreadSectionMoveParams,
    ThreadSectionMoveResponse,
    ThreadSectionUpdateParams,
    ThreadSectionUpdateResponse,
    ThreadSetNameParams,
    ThreadSetNameResponse,
    ThreadSettingsUpdateParams,
    ThreadSettingsUpdateResponse,
    ThreadShellCommandParams,
    ThreadShellCommandResponse,
    ThreadStartParams,
    ThreadStartResponse,
    ThreadTimelineListParams,
    ThreadTimelineListResponse,
    ThreadTurnsListParams,
    ThreadTurnsListResponse,
    ThreadUnarchiveParams,
    ThreadUnarchiveResponse,
    ThreadUnsubscribeParams,
    ThreadUnsubscribeResponse,
    TurnInterruptParams,
    TurnInterruptResponse,
    TurnSettingsUpdateParams,
    TurnSettingsUpdateResponse,
    TurnStartParams,
    TurnStartResponse,
    TurnSteerParams,
    TurnSteerResponse,
    UserVerificationCancelParams,
    UserVerificationCancelResponse,
    UserVerificationDeleteParams,
    UserVerificationDeleteResponse,
    UserVerificationEnrollParams,
    UserVerificationEnrollResponse,
    UserVerificationStatusParams,
    UserVerificationStatusResponse,
    UserVerificationVerifyParams,
    UserVerificationVerifyResponse,
    WindowsSandboxReadinessResponse,
    WindowsSandboxSetupStartParams,
    WindowsSandboxSetupStartResponse,
)


class Request(Protocol):
    """Any JSON-RPC request of the app-server. For those known here, parameters and result are typed."""

    @overload
    async def __call__(
        self, method: Literal["initialize"], params: InitializeParams, *, timeout: float | None = None
    ) -> InitializeResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["server/diagnostics"],
        params: ServerDiagnosticsParams | None = None,
        *,
        timeout: float | None = None,
    ) -> ServerDiagnosticsResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["userVerification/status"],
        params: UserVerificationStatusParams | None = None,
        *,
        timeout: float | None = None,
    ) -> UserVerificationStatusResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["userVerification/enroll"],
        params: UserVerificationEnrollParams | None = None,
        *,
        timeout: float | None = None,
    ) -> UserVerificationEnrollResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["userVerification/delete"],
        params: UserVerificationDeleteParams | None = None,
        *,
        timeout: float | None = None,
    ) -> UserVerificationDeleteResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["userVerification/verify"],
        params: UserVerificationVerifyParams,
        *,
        timeout: float | None = None,
    ) -> UserVerificationVerifyResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["userVerification/cancel"],
        params: UserVerificationCancelParams,
        *,
        timeout: float | None = None,
    ) -> UserVerificationCancelResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/start"], params: ThreadStartParams | None = None, *, timeout: float | None = None
    ) -> ThreadStartResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/resume"], params: ThreadResumeParams, *, timeout: float | None = None
    ) -> ThreadResumeResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/fork"], params: ThreadForkParams, *, timeout: float | None = None
    ) -> ThreadForkResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/sample"], params: ThreadSampleParams, *, timeout: float | None = None
    ) -> ThreadSampleResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/sample/cancel"], params: ThreadSampleCancelParams, *, timeout: float | None = None
    ) -> ThreadSampleCancelResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/archive"], params: ThreadArchiveParams, *, timeout: float | None = None
    ) -> ThreadArchiveResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/delete"], params: ThreadDeleteParams, *, timeout: float | None = None
    ) -> ThreadDeleteResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/unsubscribe"], params: ThreadUnsubscribeParams, *, timeout: float | None = None
    ) -> ThreadUnsubscribeResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/increment_elicitation"],
        params: ThreadIncrementElicitationParams,
        *,
        timeout: float | None = None,
    ) -> ThreadIncrementElicitationResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/decrement_elicitation"],
        params: ThreadDecrementElicitationParams,
        *,
        timeout: float | None = None,
    ) -> ThreadDecrementElicitationResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/name/set"], params: ThreadSetNameParams, *, timeout: float | None = None
    ) -> ThreadSetNameResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/prediction/request"],
        params: ThreadPredictionRequestParams,
        *,
        timeout: float | None = None,
    ) -> ThreadPredictionRequestResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/goal/set"], params: ThreadGoalSetParams, *, timeout: float | None = None
    ) -> ThreadGoalSetResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/goal/get"], params: ThreadGoalGetParams, *, timeout: float | None = None
    ) -> ThreadGoalGetResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/goal/clear"], params: ThreadGoalClearParams, *, timeout: float | None = None
    ) -> ThreadGoalClearResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/queue/add"], params: ThreadQueueAddParams, *, timeout: float | None = None
    ) -> ThreadQueueAddResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/queue/list"], params: ThreadQueueListParams, *, timeout: float | None = None
    ) -> ThreadQueueListResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/queue/update"], params: ThreadQueueUpdateParams, *, timeout: float | None = None
    ) -> ThreadQueueUpdateResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/queue/delete"], params: ThreadQueueDeleteParams, *, timeout: float | None = None
    ) -> ThreadQueueDeleteResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/queue/reorder"], params: ThreadQueueReorderParams, *, timeout: float | None = None
    ) -> ThreadQueueReorderResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/queue/start"], params: ThreadQueueStartParams, *, timeout: float | None = None
    ) -> ThreadQueueStartResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/metadata/update"],
        params: ThreadMetadataUpdateParams,
        *,
        timeout: float | None = None,
    ) -> ThreadMetadataUpdateResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/attachment/add"],
        params: ThreadAttachmentAddParams,
        *,
        timeout: float | None = None,
    ) -> ThreadAttachmentAddResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/attachment/list"],
        params: ThreadAttachmentListParams,
        *,
        timeout: float | None = None,
    ) -> ThreadAttachmentListResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/attachmentOwner/list"],
        params: ThreadAttachmentOwnerListParams,
        *,
        timeout: float | None = None,
    ) -> ThreadAttachmentOwnerListResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/attachment/remove"],
        params: ThreadAttachmentRemoveParams,
        *,
        timeout: float | None = None,
    ) -> ThreadAttachmentRemoveResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/section/move"], params: ThreadSectionMoveParams, *, timeout: float | None = None
    ) -> ThreadSectionMoveResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/settings/update"],
        params: ThreadSettingsUpdateParams,
        *,
        timeout: float | None = None,
    ) -> ThreadSettingsUpdateResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/memoryMode/set"],
        params: ThreadMemoryModeSetParams,
        *,
        timeout: float | None = None,
    ) -> ThreadMemoryModeSetResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/memory/read"], params: ThreadMemoryReadParams, *, timeout: float | None = None
    ) -> ThreadMemoryReadResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["memory/status"],
        params: MemoryStatusParams | None = None,
        *,
        timeout: float | None = None,
    ) -> MemoryStatusResponse: ...

    @overload
    async def __call__(
        self, method: Literal["memory/reset"], params: None = None, *, timeout: float | None = None
    ) -> MemoryResetResponse: ...

    @overload
    async def __call__(
        self, method: Literal["rollout/compress"], params: None = None, *, timeout: float | None = None
    ) -> RolloutCompressResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/unarchive"], params: ThreadUnarchiveParams, *, timeout: float | None = None
    ) -> ThreadUnarchiveResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/compact/start"], params: ThreadCompactStartParams, *, timeout: float | None = None
    ) -> ThreadCompactStartResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/shellCommand"], params: ThreadShellCommandParams, *, timeout: float | None = None
    ) -> ThreadShellCommandResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/approveGuardianDeniedAction"],
        params: ThreadApproveGuardianDeniedActionParams,
        *,
        timeout: float | None = None,
    ) -> ThreadApproveGuardianDeniedActionResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/backgroundTerminals/clean"],
        params: ThreadBackgroundTerminalsCleanParams,
        *,
        timeout: float | None = None,
    ) -> ThreadBackgroundTerminalsCleanResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/backgroundTerminals/list"],
        params: ThreadBackgroundTerminalsListParams,
        *,
        timeout: float | None = None,
    ) -> ThreadBackgroundTerminalsListResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/backgroundTerminals/terminate"],
        params: ThreadBackgroundTerminalsTerminateParams,
        *,
        timeout: float | None = None,
    ) -> ThreadBackgroundTerminalsTerminateResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/revert"], params: ThreadRevertParams, *, timeout: float | None = None
    ) -> ThreadRevertResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/list"], params: ThreadListParams | None = None, *, timeout: float | None = None
    ) -> ThreadListResponse: ...

    @overload
    async def __call__(
        self, method: Literal["project/list"], params: ProjectListParams | None = None, *, timeout: float | None = None
    ) -> ProjectListResponse: ...

    @overload
    async def __call__(
        self, method: Literal["project/read"], params: ProjectReadParams, *, timeout: float | None = None
    ) -> ProjectReadResponse: ...

    @overload
    async def __call__(
        self, method: Literal["project/create"], params: ProjectCreateParams, *, timeout: float | None = None
    ) -> ProjectCreateResponse: ...

    @overload
    async def __call__(
        self, method: Literal["project/import"], params: ProjectImportParams, *, timeout: float | None = None
    ) -> ProjectImportResponse: ...

    @overload
    async def __call__(
        self, method: Literal["project/update"], params: ProjectUpdateParams, *, timeout: float | None = None
    ) -> ProjectUpdateResponse: ...

    @overload
    async def __call__(
        self, method: Literal["project/move"], params: ProjectMoveParams, *, timeout: float | None = None
    ) -> ProjectMoveResponse: ...

    @overload
    async def __call__(
        self, method: Literal["project/delete"], params: ProjectDeleteParams, *, timeout: float | None = None
    ) -> ProjectDeleteResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["threadSection/list"],
        params: ThreadSectionListParams | None = None,
        *,
        timeout: float | None = None,
    ) -> ThreadSectionListResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["threadSection/create"],
        params: ThreadSectionCreateParams,
        *,
        timeout: float | None = None,
    ) -> ThreadSectionCreateResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["threadSection/update"],
        params: ThreadSectionUpdateParams,
        *,
        timeout: float | None = None,
    ) -> ThreadSectionUpdateResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["threadSection/delete"],
        params: ThreadSectionDeleteParams,
        *,
        timeout: float | None = None,
    ) -> ThreadSectionDeleteResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/search"], params: ThreadSearchParams, *, timeout: float | None = None
    ) -> ThreadSearchResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/search/stream"], params: ThreadSearchParams, *, timeout: float | None = None
    ) -> ThreadSearchResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/search/cancel"], params: ThreadSearchCancelParams, *, timeout: float | None = None
    ) -> ThreadSearchCancelResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/search/stream/cancel"],
        params: ThreadSearchCancelParams,
        *,
        timeout: float | None = None,
    ) -> ThreadSearchCancelResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/searchOccurrences"],
        params: ThreadSearchOccurrencesParams,
        *,
        timeout: float | None = None,
    ) -> ThreadSearchOccurrencesResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/loaded/list"],
        params: ThreadLoadedListParams | None = None,
        *,
        timeout: float | None = None,
    ) -> ThreadLoadedListResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/read"], params: ThreadReadParams, *, timeout: float | None = None
    ) -> ThreadReadResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/readState/update"],
        params: ThreadReadStateUpdateParams,
        *,
        timeout: float | None = None,
    ) -> ThreadReadStateUpdateResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/turns/list"], params: ThreadTurnsListParams, *, timeout: float | None = None
    ) -> ThreadTurnsListResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/items/list"], params: ThreadItemsListParams, *, timeout: float | None = None
    ) -> ThreadItemsListResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/items/read"], params: ThreadItemsReadParams, *, timeout: float | None = None
    ) -> ThreadItemsReadResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/guardianReview"],
        params: ThreadGuardianReviewParams,
        *,
        timeout: float | None = None,
    ) -> ThreadGuardianReviewResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/inject_items"], params: ThreadInjectItemsParams, *, timeout: float | None = None
    ) -> ThreadInjectItemsResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/prepareApprovedPlan"],
        params: ThreadPrepareApprovedPlanParams,
        *,
        timeout: float | None = None,
    ) -> ThreadPrepareApprovedPlanResponse: ...

    @overload
    async def __call__(
        self, method: Literal["skills/list"], params: SkillsListParams | None = None, *, timeout: float | None = None
    ) -> SkillsListResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["skills/extraRoots/set"],
        params: SkillsExtraRootsSetParams,
        *,
        timeout: float | None = None,
    ) -> SkillsExtraRootsSetResponse: ...

    @overload
    async def __call__(
        self, method: Literal["hooks/list"], params: HooksListParams | None = None, *, timeout: float | None = None
    ) -> HooksListResponse: ...

    @overload
    async def __call__(
        self, method: Literal["marketplace/add"], params: MarketplaceAddParams, *, timeout: float | None = None
    ) -> MarketplaceAddResponse: ...

    @overload
    async def __call__(
        self, method: Literal["marketplace/remove"], params: MarketplaceRemoveParams, *, timeout: float | None = None
    ) -> MarketplaceRemoveResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["marketplace/upgrade"],
        params: MarketplaceUpgradeParams | None = None,
        *,
        timeout: float | None = None,
    ) -> MarketplaceUpgradeResponse: ...

    @overload
    async def __call__(
        self, method: Literal["plugin/list"], params: PluginListParams | None = None, *, timeout: float | None = None
    ) -> PluginListResponse: ...

    @overload
    async def __call__(
        self, method: Literal["plugin/search"], params: PluginSearchParams, *, timeout: float | None = None
    ) -> PluginSearchResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["plugin/installed"],
        params: PluginInstalledParams | None = None,
        *,
        timeout: float | None = None,
    ) -> PluginInstalledResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["plugin/reconcile"],
        params: PluginReconcileParams | None = None,
        *,
        timeout: float | None = None,
    ) -> PluginReconcileResponse: ...

    @overload
    async def __call__(
        self, method: Literal["plugin/read"], params: PluginReadParams, *, timeout: float | None = None
    ) -> PluginReadResponse: ...

    @overload
    async def __call__(
        self, method: Literal["plugin/skill/read"], params: PluginSkillReadParams, *, timeout: float | None = None
    ) -> PluginSkillReadResponse: ...

    @overload
    async def __call__(
        self, method: Literal["plugin/share/save"], params: PluginShareSaveParams, *, timeout: float | None = None
    ) -> PluginShareSaveResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["plugin/share/updateTargets"],
        params: PluginShareUpdateTargetsParams,
        *,
        timeout: float | None = None,
    ) -> PluginShareUpdateTargetsResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["plugin/share/list"],
        params: PluginShareListParams | None = None,
        *,
        timeout: float | None = None,
    ) -> PluginShareListResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["plugin/share/checkout"],
        params: PluginShareCheckoutParams,
        *,
        timeout: float | None = None,
    ) -> PluginShareCheckoutResponse: ...

    @overload
    async def __call__(
        self, method: Literal["plugin/share/delete"], params: PluginShareDeleteParams, *, timeout: float | None = None
    ) -> PluginShareDeleteResponse: ...

    @overload
    async def __call__(
        self, method: Literal["app/read"], params: AppsReadParams, *, timeout: float | None = None
    ) -> AppsReadResponse: ...

    @overload
    async def __call__(
        self, method: Literal["app/list"], params: AppsListParams | None = None, *, timeout: float | None = None
    ) -> AppsListResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["app/installed"],
        params: AppsInstalledParams | None = None,
        *,
        timeout: float | None = None,
    ) -> AppsInstalledResponse: ...

    @overload
    async def __call__(
        self, method: Literal["fs/readFile"], params: FsReadFileParams, *, timeout: float | None = None
    ) -> FsReadFileResponse: ...

    @overload
    async def __call__(
        self, method: Literal["fs/writeFile"], params: FsWriteFileParams, *, timeout: float | None = None
    ) -> FsWriteFileResponse: ...

    @overload
    async def __call__(
        self, method: Literal["fs/createDirectory"], params: FsCreateDirectoryParams, *, timeout: float | None = None
    ) -> FsCreateDirectoryResponse: ...

    @overload
    async def __call__(
        self, method: Literal["fs/getMetadata"], params: FsGetMetadataParams, *, timeout: float | None = None
    ) -> FsGetMetadataResponse: ...

    @overload
    async def __call__(
        self, method: Literal["fs/readDirectory"], params: FsReadDirectoryParams, *, timeout: float | None = None
    ) -> FsReadDirectoryResponse: ...

    @overload
    async def __call__(
        self, method: Literal["fs/remove"], params: FsRemoveParams, *, timeout: float | None = None
    ) -> FsRemoveResponse: ...

    @overload
    async def __call__(
        self, method: Literal["fs/copy"], params: FsCopyParams, *, timeout: float | None = None
    ) -> FsCopyResponse: ...

    @overload
    async def __call__(
        self, method: Literal["fs/watch"], params: FsWatchParams, *, timeout: float | None = None
    ) -> FsWatchResponse: ...

    @overload
    async def __call__(
        self, method: Literal["fs/unwatch"], params: FsUnwatchParams, *, timeout: float | None = None
    ) -> FsUnwatchResponse: ...

    @overload
    async def __call__(
        self, method: Literal["skills/config/write"], params: SkillsConfigWriteParams, *, timeout: float | None = None
    ) -> SkillsConfigWriteResponse: ...

    @overload
    async def __call__(
        self, method: Literal["plugin/install"], params: PluginInstallParams, *, timeout: float | None = None
    ) -> PluginInstallResponse: ...

    @overload
    async def __call__(
        self, method: Literal["plugin/uninstall"], params: PluginUninstallParams, *, timeout: float | None = None
    ) -> PluginUninstallResponse: ...

    @overload
    async def __call__(
        self, method: Literal["turn/start"], params: TurnStartParams, *, timeout: float | None = None
    ) -> TurnStartResponse: ...

    @overload
    async def __call__(
        self, method: Literal["turn/settings/update"], params: TurnSettingsUpdateParams, *, timeout: float | None = None
    ) -> TurnSettingsUpdateResponse: ...

    @overload
    async def __call__(
        self, method: Literal["turn/steer"], params: TurnSteerParams, *, timeout: float | None = None
    ) -> TurnSteerResponse: ...

    @overload
    async def __call__(
        self, method: Literal["turn/interrupt"], params: TurnInterruptParams, *, timeout: float | None = None
    ) -> TurnInterruptResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/realtime/start"],
        params: ThreadRealtimeStartParams,
        *,
        timeout: float | None = None,
    ) -> ThreadRealtimeStartResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/realtime/appendAudio"],
        params: ThreadRealtimeAppendAudioParams,
        *,
        timeout: float | None = None,
    ) -> ThreadRealtimeAppendAudioResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/realtime/appendText"],
        params: ThreadRealtimeAppendTextParams,
        *,
        timeout: float | None = None,
    ) -> ThreadRealtimeAppendTextResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/realtime/appendSpeech"],
        params: ThreadRealtimeAppendSpeechParams,
        *,
        timeout: float | None = None,
    ) -> ThreadRealtimeAppendSpeechResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/realtime/stop"], params: ThreadRealtimeStopParams, *, timeout: float | None = None
    ) -> ThreadRealtimeStopResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/timeline/list"], params: ThreadTimelineListParams, *, timeout: float | None = None
    ) -> ThreadTimelineListResponse: ...

    @overload
    async def __call__(
        self, method: Literal["thread/realtime/list"], params: ThreadRealtimeListParams, *, timeout: float | None = None
    ) -> ThreadRealtimeListResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["thread/realtime/listVoices"],
        params: ThreadRealtimeListVoicesParams | None = None,
        *,
        timeout: float | None = None,
    ) -> ThreadRealtimeListVoicesResponse: ...

    @overload
    async def __call__(
        self, method: Literal["review/start"], params: ReviewStartParams, *, timeout: float | None = None
    ) -> ReviewStartResponse: ...

    @overload
    async def __call__(
        self, method: Literal["model/list"], params: ModelListParams | None = None, *, timeout: float | None = None
    ) -> ModelListResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["account/gatewayOAuth/read"],
        params: GatewayOAuthReadParams | None = None,
        *,
        timeout: float | None = None,
    ) -> GatewayOAuthReadResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["account/gatewayOAuth/login"],
        params: GatewayOAuthLoginParams | None = None,
        *,
        timeout: float | None = None,
    ) -> GatewayOAuthLoginResponse: ...

    @overload
    async def __call__(
        self, method: Literal["account/gatewayOAuth/cancel"], params: None = None, *, timeout: float | None = None
    ) -> Any: ...

    @overload
    async def __call__(
        self,
        method: Literal["modelProvider/list"],
        params: ModelProviderListParams | None = None,
        *,
        timeout: float | None = None,
    ) -> ModelProviderListResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["modelProvider/config/write"],
        params: ModelProviderConfigWriteParams,
        *,
        timeout: float | None = None,
    ) -> ModelProviderConfigWriteResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["modelProvider/default/set"],
        params: ModelProviderDefaultSetParams,
        *,
        timeout: float | None = None,
    ) -> Any: ...

    @overload
    async def __call__(
        self,
        method: Literal["modelProvider/capabilities/read"],
        params: ModelProviderCapabilitiesReadParams | None = None,
        *,
        timeout: float | None = None,
    ) -> ModelProviderCapabilitiesReadResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["experimentalFeature/list"],
        params: ExperimentalFeatureListParams | None = None,
        *,
        timeout: float | None = None,
    ) -> ExperimentalFeatureListResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["permissionProfile/list"],
        params: PermissionProfileListParams | None = None,
        *,
        timeout: float | None = None,
    ) -> PermissionProfileListResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["experimentalFeature/enablement/set"],
        params: ExperimentalFeatureEnablementSetParams,
        *,
        timeout: float | None = None,
    ) -> ExperimentalFeatureEnablementSetResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["remoteControl/enable"],
        params: RemoteControlEnableParams | None = None,
        *,
        timeout: float | None = None,
    ) -> RemoteControlEnableResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["remoteControl/disable"],
        params: RemoteControlDisableParams | None = None,
        *,
        timeout: float | None = None,
    ) -> RemoteControlDisableResponse: ...

    @overload
    async def __call__(
        self, method: Literal["remoteControl/status/read"], params: None = None, *, timeout: float | None = None
    ) -> RemoteControlStatusReadResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["remoteControl/pairing/start"],
        params: RemoteControlPairingStartParams | None = None,
        *,
        timeout: float | None = None,
    ) -> RemoteControlPairingStartResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["remoteControl/pairing/status"],
        params: RemoteControlPairingStatusParams | None = None,
        *,
        timeout: float | None = None,
    ) -> RemoteControlPairingStatusResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["remoteControl/client/list"],
        params: RemoteControlClientsListParams,
        *,
        timeout: float | None = None,
    ) -> RemoteControlClientsListResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["remoteControl/client/revoke"],
        params: RemoteControlClientsRevokeParams,
        *,
        timeout: float | None = None,
    ) -> RemoteControlClientsRevokeResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["collaborationMode/list"],
        params: CollaborationModeListParams | None = None,
        *,
        timeout: float | None = None,
    ) -> CollaborationModeListResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["mock/experimentalMethod"],
        params: MockExperimentalMethodParams | None = None,
        *,
        timeout: float | None = None,
    ) -> MockExperimentalMethodResponse: ...

    @overload
    async def __call__(
        self, method: Literal["environment/add"], params: EnvironmentAddParams, *, timeout: float | None = None
    ) -> EnvironmentAddResponse: ...

    @overload
    async def __call__(
        self, method: Literal["environment/info"], params: EnvironmentInfoParams, *, timeout: float | None = None
    ) -> EnvironmentInfoResponse: ...

    @overload
    async def __call__(
        self, method: Literal["environment/status"], params: EnvironmentStatusParams, *, timeout: float | None = None
    ) -> EnvironmentStatusResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["mcpServer/oauth/login"],
        params: McpServerOauthLoginParams,
        *,
        timeout: float | None = None,
    ) -> McpServerOauthLoginResponse: ...

    @overload
    async def __call__(
        self, method: Literal["config/mcpServer/reload"], params: None = None, *, timeout: float | None = None
    ) -> McpServerRefreshResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["mcpServerStatus/list"],
        params: ListMcpServerStatusParams | None = None,
        *,
        timeout: float | None = None,
    ) -> ListMcpServerStatusResponse: ...

    @overload
    async def __call__(
        self, method: Literal["mcpServer/resource/read"], params: McpResourceReadParams, *, timeout: float | None = None
    ) -> McpResourceReadResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["mcpServer/event/stream/start"],
        params: McpServerEventStreamStartParams,
        *,
        timeout: float | None = None,
    ) -> McpServerEventStreamStartResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["mcpServer/event/stream/stop"],
        params: McpServerEventStreamStopParams,
        *,
        timeout: float | None = None,
    ) -> McpServerEventStreamStopResponse: ...

    @overload
    async def __call__(
        self, method: Literal["mcpServer/tool/call"], params: McpServerToolCallParams, *, timeout: float | None = None
    ) -> McpServerToolCallResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["windowsSandbox/setupStart"],
        params: WindowsSandboxSetupStartParams,
        *,
        timeout: float | None = None,
    ) -> WindowsSandboxSetupStartResponse: ...

    @overload
    async def __call__(
        self, method: Literal["windowsSandbox/readiness"], params: None = None, *, timeout: float | None = None
    ) -> WindowsSandboxReadinessResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["account/login/start"],
        params: LoginAccountParams | None = None,
        *,
        timeout: float | None = None,
    ) -> LoginAccountResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["account/bedrock/discover"],
        params: BedrockDiscoverParams | None = None,
        *,
        timeout: float | None = None,
    ) -> BedrockDiscoverResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["account/bedrock/setup"],
        params: BedrockSetupParams | None = None,
        *,
        timeout: float | None = None,
    ) -> BedrockSetupResponse: ...

    @overload
    async def __call__(
        self, method: Literal["account/gcp/setup"], params: GcpSetupParams, *, timeout: float | None = None
    ) -> GcpSetupResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["account/bedrock/checkGovCloudRequirements"],
        params: BedrockCheckGovCloudRequirementsParams | None = None,
        *,
        timeout: float | None = None,
    ) -> BedrockCheckGovCloudRequirementsResponse: ...

    @overload
    async def __call__(
        self, method: Literal["account/login/cancel"], params: CancelLoginAccountParams, *, timeout: float | None = None
    ) -> CancelLoginAccountResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["accountSession/list"],
        params: AccountSessionsListParams | None = None,
        *,
        timeout: float | None = None,
    ) -> AccountSessionsResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["accountSession/switch"],
        params: AccountSessionsSwitchParams,
        *,
        timeout: float | None = None,
    ) -> AccountSessionsSwitchResponse: ...

    @overload
    async def __call__(
        self, method: Literal["account/logout"], params: None = None, *, timeout: float | None = None
    ) -> LogoutAccountResponse: ...

    @overload
    async def __call__(
        self, method: Literal["account/securitySetup/read"], params: None = None, *, timeout: float | None = None
    ) -> GetAccountSecuritySetupResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["account/rateLimits/read"],
        params: GetAccountRateLimitsParams | None = None,
        *,
        timeout: float | None = None,
    ) -> GetAccountRateLimitsResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["account/rateLimitResetCredit/consume"],
        params: ConsumeAccountRateLimitResetCreditParams,
        *,
        timeout: float | None = None,
    ) -> ConsumeAccountRateLimitResetCreditResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["account/usage/read"],
        params: GetAccountTokenUsageParams | None = None,
        *,
        timeout: float | None = None,
    ) -> GetAccountTokenUsageResponse: ...

    @overload
    async def __call__(
        self, method: Literal["account/workspaceMessages/read"], params: None = None, *, timeout: float | None = None
    ) -> GetWorkspaceMessagesResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["account/sendAddCreditsNudgeEmail"],
        params: SendAddCreditsNudgeEmailParams,
        *,
        timeout: float | None = None,
    ) -> SendAddCreditsNudgeEmailResponse: ...

    @overload
    async def __call__(
        self, method: Literal["feedback/upload"], params: FeedbackUploadParams, *, timeout: float | None = None
    ) -> FeedbackUploadResponse: ...

    @overload
    async def __call__(
        self, method: Literal["feedback/save"], params: FeedbackSaveParams, *, timeout: float | None = None
    ) -> FeedbackSaveResponse: ...

    @overload
    async def __call__(
        self, method: Literal["command/exec"], params: CommandExecParams, *, timeout: float | None = None
    ) -> CommandExecResponse: ...

    @overload
    async def __call__(
        self, method: Literal["command/exec/write"], params: CommandExecWriteParams, *, timeout: float | None = None
    ) -> CommandExecWriteResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["command/exec/terminate"],
        params: CommandExecTerminateParams,
        *,
        timeout: float | None = None,
    ) -> CommandExecTerminateResponse: ...

    @overload
    async def __call__(
        self, method: Literal["command/exec/resize"], params: CommandExecResizeParams, *, timeout: float | None = None
    ) -> CommandExecResizeResponse: ...

    @overload
    async def __call__(
        self, method: Literal["process/spawn"], params: ProcessSpawnParams, *, timeout: float | None = None
    ) -> ProcessSpawnResponse: ...

    @overload
    async def __call__(
        self, method: Literal["process/writeStdin"], params: ProcessWriteStdinParams, *, timeout: float | None = None
    ) -> ProcessWriteStdinResponse: ...

    @overload
    async def __call__(
        self, method: Literal["process/kill"], params: ProcessKillParams, *, timeout: float | None = None
    ) -> ProcessKillResponse: ...

    @overload
    async def __call__(
        self, method: Literal["process/resizePty"], params: ProcessResizePtyParams, *, timeout: float | None = None
    ) -> ProcessResizePtyResponse: ...

    @overload
    async def __call__(
        self, method: Literal["config/read"], params: ConfigReadParams | None = None, *, timeout: float | None = None
    ) -> ConfigReadResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["externalAgentConfig/detect"],
        params: ExternalAgentConfigDetectParams | None = None,
        *,
        timeout: float | None = None,
    ) -> ExternalAgentConfigDetectResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["externalAgentConfig/import"],
        params: ExternalAgentConfigImportParams,
        *,
        timeout: float | None = None,
    ) -> ExternalAgentConfigImportResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["externalAgentConfig/import/recordHistory"],
        params: ExternalAgentConfigImportHistoryRecordParams,
        *,
        timeout: float | None = None,
    ) -> ExternalAgentConfigImportHistoryRecordResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["externalAgentConfig/import/readHistories"],
        params: None = None,
        *,
        timeout: float | None = None,
    ) -> ExternalAgentConfigImportHistoriesReadResponse: ...

    @overload
    async def __call__(
        self, method: Literal["config/value/write"], params: ConfigValueWriteParams, *, timeout: float | None = None
    ) -> ConfigWriteResponse: ...

    @overload
    async def __call__(
        self, method: Literal["config/batchWrite"], params: ConfigBatchWriteParams, *, timeout: float | None = None
    ) -> ConfigWriteResponse: ...

    @overload
    async def __call__(
        self, method: Literal["configRequirements/read"], params: None = None, *, timeout: float | None = None
    ) -> ConfigRequirementsReadResponse: ...

    @overload
    async def __call__(
        self, method: Literal["account/read"], params: GetAccountParams | None = None, *, timeout: float | None = None
    ) -> GetAccountResponse: ...

    @overload
    async def __call__(
        self, method: Literal["fuzzyFileSearch"], params: FuzzyFileSearchParams, *, timeout: float | None = None
    ) -> FuzzyFileSearchResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["fuzzyFileSearch/sessionStart"],
        params: FuzzyFileSearchSessionStartParams,
        *,
        timeout: float | None = None,
    ) -> FuzzyFileSearchSessionStartResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["fuzzyFileSearch/sessionUpdate"],
        params: FuzzyFileSearchSessionUpdateParams,
        *,
        timeout: float | None = None,
    ) -> FuzzyFileSearchSessionUpdateResponse: ...

    @overload
    async def __call__(
        self,
        method: Literal["fuzzyFileSearch/sessionStop"],
        params: FuzzyFileSearchSessionStopParams,
        *,
        timeout: float | None = None,
    ) -> FuzzyFileSearchSessionStopResponse: ...

    @overload
    async def __call__(
        self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> Any: ...
