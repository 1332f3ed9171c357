/** The page's one door to the library. */
export { Longtab, LongtabError, isLongtabError } from "longtab";
export type {
  Availability,
  BackendChoice,
  BackendKind,
  CacheUsage,
  CalibrationProgress,
  CatalogueEntry,
  ChatMessage,
  ContextPlan,
  LoadedModel,
  ModelInfo,
  LoadPhase,
  LoadProgress,
  ModelReference,
  Passage,
  StorageEstimate,
  StoredModel,
  Usage,
} from "longtab";
